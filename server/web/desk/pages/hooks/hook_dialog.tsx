/** Adds a hook, or edits one. */
import { useEffect, useState } from "preact/hooks";
import type { HookContent, HookView } from "#contract/api/hooks.ts";
import type { Problem } from "#contract/errors.ts";
import { Refusal, segment, send } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { problemOf, ProblemText } from "../../parts/problem.tsx";
import { t } from "./messages.ts";
import { MOMENTS, momentText, type Owner, ownerOf } from "./words.ts";

const DEFAULT_SECONDS = 300;
const OWNERS = { all: "ownerAll", image: "ownerImage", group: "ownerGroup", node: "ownerNode" } as const;

type HookKey = Pick<HookView, "scope" | "when" | "name">;

export function pathOf({ scope, when, name }: HookKey): string {
  return `/hooks/${segment(scope)}/${segment(when)}/${segment(name)}`;
}

interface Props {
  /** To be edited; absent: a new one. */
  readonly hook?: HookKey;
  /** Those that there are: a new one replaces none of them. */
  readonly taken: readonly HookKey[];
  readonly onClose: () => void;
}

export function HookDialog({ hook, taken, onClose }: Props) {
  const { known, problem } = useHook(hook);
  if (hook && !known) {
    return (
      <Dialog title={t("editTitle", { name: hook.name })} onClose={onClose}>
        {problem ? <ProblemText problem={problem} /> : <p>{common("loading")}</p>}
      </Dialog>
    );
  }
  return <Form known={known} taken={taken} onClose={onClose} />;
}

interface Known {
  readonly hook: HookView;
  readonly tag: string | null;
}

function useHook(hook: HookKey | undefined): { known?: Known; problem?: Problem } {
  const [state, setState] = useState<{ known?: Known; problem?: Problem }>({});
  const path = hook && pathOf(hook);
  useEffect(() => {
    if (path === undefined) return;
    const ask = async () => {
      try {
        const response = await send("GET", path);
        setState({ known: { hook: await response.json() as HookView, tag: response.headers.get("etag") } });
      } catch (error) {
        setState({ problem: problemOf(error) });
      }
    };
    void ask();
  }, [path]);
  return state;
}

function Form({ known, taken, onClose }: Omit<Props, "hook"> & { known: Known | undefined }) {
  const old = known?.hook;
  const [owner, setOwner] = useState<Owner>(old ? ownerOf(old.scope).owner : "all");
  const [key, setKey] = useState<HookKey>({
    scope: old?.scope ?? "all",
    when: old?.when ?? "post-install",
    name: old?.name ?? "",
  });
  const save = async (form: FormData) => {
    const body: HookContent = {
      script: String(form.get("script")).replaceAll("\r\n", "\n"),
      optional: form.get("optional") !== null,
      timeoutSeconds: Number(form.get("timeout")),
    };
    if (!known && taken.some((hook) => pathOf(hook) === pathOf(key))) {
      throw new Refusal({ status: 0, title: t("addTitle"), detail: t("exists"), remedy: t("existsRemedy") });
    }
    const headers = known?.tag ? { "if-match": known.tag } : {};
    await send("PUT", pathOf(key), { body, headers });
    note(t("saved", { name: key.name }));
  };
  const scopeOf = (owner: Owner, name: string) => owner === "all" ? "all" : `${owner}:${name}`;
  return (
    <Dialog
      title={old ? t("editTitle", { name: old.name }) : t("addTitle")}
      action={common("save")}
      isWide
      onSubmit={save}
      onClose={onClose}
    >
      <div class="fields">
        <label class="field">
          {t("name")}
          <input
            name="name"
            required
            readOnly={old !== undefined}
            pattern="[a-zA-Z0-9][a-zA-Z0-9._\-]{0,62}"
            value={key.name}
            autocomplete="off"
            spellcheck={false}
            onInput={({ currentTarget: { value } }) => setKey({ ...key, name: value.trim() })}
          />
        </label>
        <label class="field">
          {t("when")}
          <select
            name="when"
            disabled={old !== undefined}
            value={key.when}
            onChange={({ currentTarget: { value } }) => setKey({ ...key, when: value as HookKey["when"] })}
          >
            {MOMENTS.map((when) => <option key={when} value={when}>{momentText(when)}</option>)}
          </select>
        </label>
        <label class="field">
          {t("scope")}
          <select
            name="owner"
            disabled={old !== undefined}
            value={owner}
            onChange={({ currentTarget: { value } }) => {
              setOwner(value as Owner);
              setKey({ ...key, scope: scopeOf(value as Owner, "") });
            }}
          >
            {(Object.keys(OWNERS) as Owner[]).map((one) => (
              <option key={one} value={one}>{t(OWNERS[one])}</option>
            ))}
          </select>
        </label>
        {owner !== "all" && (
          <label class="field">
            {t("owner")}
            <input
              name="ownerName"
              required
              readOnly={old !== undefined}
              pattern="[a-zA-Z0-9][a-zA-Z0-9._\-]{0,62}"
              value={ownerOf(key.scope).name}
              autocomplete="off"
              spellcheck={false}
              onInput={({ currentTarget: { value } }) =>
                setKey({ ...key, scope: scopeOf(owner, value.trim()) })}
            />
          </label>
        )}
      </div>
      <label class="field">
        {t("script")}
        <textarea
          name="script"
          class="code"
          rows={12}
          required
          spellcheck={false}
          defaultValue={old?.script ?? "set -eu\n"}
          aria-describedby="script-hint"
        />
      </label>
      <p class="dim" id="script-hint">{t("scriptHint")}</p>
      <label class="field">
        <input type="checkbox" name="optional" defaultChecked={old?.optional ?? false} /> {t("optional")}
      </label>
      <label class="field narrow">
        {t("timeout")}
        <input
          type="number"
          name="timeout"
          min={1}
          max={86_400}
          required
          defaultValue={String(old?.timeoutSeconds ?? DEFAULT_SECONDS)}
        />
      </label>
      <HookCommand hook={key} />
    </Dialog>
  );
}

function HookCommand({ hook: { scope, when, name } }: { hook: HookKey }) {
  const { owner, name: of } = ownerOf(scope);
  const words = owner === "all" ? ["--all"] : [`--${owner}`, of || "NAME"];
  const rest = ["--name", name || "NAME", "--file", "script.sh"];
  return <Command line={commandLine("rackseed", "hook", "set", when, ...words, ...rest)} />;
}
