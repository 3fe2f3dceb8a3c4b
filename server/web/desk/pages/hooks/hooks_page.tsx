/** The operator's scripts: listed by whom they run for, added, edited, deleted. */
import { useState } from "preact/hooks";
import type { HookSummary } from "#contract/api/hooks.ts";
import { call } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText, durationText } from "../../messages/figures.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { HookDialog, pathOf } from "./hook_dialog.tsx";
import { t } from "./messages.ts";
import { MOMENTS, momentText, scopeText } from "./words.ts";

export function HooksPage() {
  const hooks = useResource<HookSummary[]>("/hooks", { on: ["hooks"] });
  const [open, setOpen] = useState<{ what: "edit" | "delete"; hook: HookSummary } | { what: "add" }>();
  const close = () => setOpen(undefined);
  const byScope = Map.groupBy(hooks.value ?? [], ({ scope }) => scope);
  const remove = async (hook: HookSummary) => {
    await call("DELETE", pathOf(hook));
    note(t("deleted", { name: hook.name }));
  };
  const actions = mayAdminister() && (
    <button
      type="button"
      class="primary"
      onClick={() => setOpen({ what: "add" })}
    >
      {t("add")}
    </button>
  );
  return (
    <Page title={t("title")} actions={actions}>
      <p class="dim">{t("about")}</p>
      {hooks.refusal && <Refused refusal={hooks.refusal} reload={hooks.reload} />}
      {!hooks.value && !hooks.refusal && <p>{common("loading")}</p>}
      {hooks.value?.length === 0 && <p class="empty">{t("none")}</p>}
      {[...byScope].map(([scope, of]) => (
        <section key={scope} aria-labelledby={`scope-${scope}`}>
          <h2 id={`scope-${scope}`}>{scopeText(scope)}</h2>
          <HookList hooks={of} onOpen={(what, hook) => setOpen({ what, hook })} />
        </section>
      ))}
      {open?.what === "add" && <HookDialog taken={hooks.value ?? []} onClose={close} />}
      {open?.what === "edit" && <HookDialog hook={open.hook} taken={[]} onClose={close} />}
      {open?.what === "delete" && (
        <Dialog
          title={t("deleteTitle", { name: open.hook.name })}
          action={common("delete")}
          isDangerous
          onSubmit={() => remove(open.hook)}
          onClose={close}
        >
          <p>
            {t("deleteAbout", { scope: scopeText(open.hook.scope), when: momentText(open.hook.when) })}
          </p>
        </Dialog>
      )}
    </Page>
  );
}

interface ListProps {
  readonly hooks: readonly HookSummary[];
  readonly onOpen: (what: "edit" | "delete", hook: HookSummary) => void;
}

function HookList({ hooks, onOpen }: ListProps) {
  const inOrder = [...hooks].sort((a, b) =>
    MOMENTS.indexOf(a.when) - MOMENTS.indexOf(b.when) || (a.name < b.name ? -1 : 1)
  );
  return (
    <ul class="hooks">
      {inOrder.map((hook) => (
        <li key={pathOf(hook)}>
          <div>
            <strong>{hook.name}</strong>
            <small>{momentText(hook.when)}</small>
          </div>
          <div>
            <span class={hook.optional ? "dim" : undefined}>
              {hook.optional ? t("goesOn") : t("mandatory")}
            </span>
            <small>
              {t("limit", { time: durationText(hook.timeoutSeconds) })} · {bytesText(hook.scriptBytes)}
            </small>
          </div>
          {mayAdminister() && (
            <div class="buttons">
              <button
                type="button"
                aria-label={t("editName", { name: hook.name })}
                onClick={() => onOpen("edit", hook)}
              >
                {common("edit")}
              </button>
              <button
                type="button"
                aria-label={t("deleteName", { name: hook.name })}
                onClick={() => onOpen("delete", hook)}
              >
                {common("delete")}
              </button>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
