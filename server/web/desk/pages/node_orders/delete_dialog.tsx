/** Asks before nodes are deleted, and says what depends on them. */
import { useEffect, useState } from "preact/hooks";
import type { HookSummary } from "#contract/api/hooks.ts";
import type { ScheduleView } from "#contract/api/schedules.ts";
import type { ImageView, NodeView } from "#contract/api.ts";
import type { DeskNode } from "#contract/desk.ts";
import { call, segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { namesIn, rangesOf } from "../../search/name_ranges.ts";
import { t } from "./messages.ts";

interface Props {
  readonly nodes: readonly DeskNode[];
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

export function DeleteDialog({ nodes, onClose, onDeleted }: Props) {
  const [losesKeys, setLosesKeys] = useState(false);
  const n = nodes.length, names = nodes.map(({ name }) => name);
  const dependents = useDependents(nodes);
  const withKeys = dependents?.keys ?? [];
  const remove = async () => {
    const query = losesKeys ? "?force=true" : "";
    for (const name of names) await call("DELETE", `/nodes/${segment(name)}${query}`);
    note(t("removed", { n }));
    onDeleted?.();
  };
  const isBlocked = dependents === undefined || dependents.ordered.length > 0 ||
    (withKeys.length > 0 && !losesKeys);
  return (
    <Dialog
      title={t("remove", { n })}
      action={t("remove", { n })}
      isDangerous
      isDisabled={isBlocked}
      onSubmit={remove}
      onClose={onClose}
    >
      <p>
        <strong>{rangesOf(names).join(", ")}</strong>
      </p>
      <p class="dim">{t("removeLine")}</p>
      <h3>{t("depends")}</h3>
      {dependents === undefined
        ? <p class="dim">{common("loading")}</p>
        : (
          <ul class="bullets" aria-live="polite">
            {dependents.lines.map((line) => <li key={line}>{line}</li>)}
            {dependents.lines.length === 0 && <li class="dim">{t("nothingDepends")}</li>}
          </ul>
        )}
      {withKeys.length > 0 && (
        <label class="tick">
          <input
            type="checkbox"
            checked={losesKeys}
            onChange={(event) => setLosesKeys(event.currentTarget.checked)}
          />
          <span>{t("loseKeys")}</span>
        </label>
      )}
      <Command
        line={commandLine("rackseed", "node", "delete", ...rangesOf(names), ...losesKeys ? ["--force"] : [])}
      />
    </Dialog>
  );
}

interface Dependents {
  readonly lines: readonly string[];
  /** Names of nodes that cannot be deleted now, and of those whose recovery keys are lost. */
  readonly ordered: readonly string[];
  readonly keys: readonly string[];
}

function useDependents(nodes: readonly DeskNode[]): Dependents | undefined {
  const schedules = useResource<ScheduleView[]>("/schedules");
  const hooks = useResource<HookSummary[]>("/hooks");
  const images = useResource<ImageView[]>("/images");
  const keys = useNodesWithKeys(nodes);
  if (!schedules.value || !hooks.value || !images.value || !keys) return undefined;
  const names = new Set(nodes.map(({ name }) => name));
  const ordered = nodes.filter(({ state, everyBoot }) =>
    state === "armed" || state === "installing" || everyBoot
  )
    .map(({ name }) => name);
  const withHooks = namesAmong(names, hooks.value.map(({ scope }) => scope.replace(/^node:/, "")));
  const withBackups = namesAmong(names, images.value.map(({ backupOf = "" }) => backupOf));
  const text = (list: readonly string[]) => rangesOf(list).join(", ");
  return {
    ordered,
    keys,
    lines: [
      ...ordered.length > 0 ? [t("hasOrder", { names: text(ordered) })] : [],
      ...keys.length > 0 ? [t("keyLost", { n: keys.length, names: text(keys) })] : [],
      ...schedules.value.flatMap(({ name, nodes: patterns }) => {
        const named = namesAmong(names, patterns.flatMap(expanded));
        return named.length > 0 ? [t("inSchedule", { name, names: text(named) })] : [];
      }),
      ...withHooks.length > 0 ? [t("hasHooks", { names: text(withHooks) })] : [],
      ...withBackups.length > 0 ? [t("keepsBackups", { names: text(withBackups) })] : [],
    ],
  };
}

/** A schedule for a whole group does not depend on one node. */
function expanded(pattern: string): string[] {
  return pattern.startsWith("@") ? [] : namesIn(pattern);
}

function namesAmong(names: ReadonlySet<string>, found: readonly string[]): string[] {
  return [...new Set(found)].filter((name) => names.has(name));
}

/** Above this number one question for all is cheaper than one for each. */
const EACH = 8;

function useNodesWithKeys(nodes: readonly DeskNode[]): readonly string[] | undefined {
  const [keys, setKeys] = useState<readonly string[]>();
  useEffect(() => {
    const names = new Set(nodes.map(({ name }) => name));
    const load = async () => {
      const views = names.size > EACH
        ? await call<NodeView[]>("GET", "/nodes")
        : await Promise.all([...names].map((name) => call<NodeView>("GET", `/nodes/${segment(name)}`)));
      setKeys(views.filter(({ name, encryption }) => names.has(name) && encryption).map(({ name }) => name));
    };
    // what cannot be read is refused when it is deleted
    load().catch(() => setKeys([]));
  }, []);
  return keys;
}
