/** Asks before nodes are backed up or compared with their images. */
import type { CheckAnswer } from "#contract/api/checks.ts";
import type { DeskNode } from "#contract/desk.ts";
import { call } from "../../api/call.ts";
import { templates } from "../../live/state.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { rangesOf } from "../../search/name_ranges.ts";
import { backUp, checked } from "../nodes/orders.ts";
import { t } from "./messages.ts";

interface Props {
  readonly nodes: readonly DeskNode[];
  readonly onClose: () => void;
}

export function BackupDialog({ nodes, onClose }: Props) {
  const n = nodes.length, { online, offline } = byAgent(nodes);
  const order = async (form: FormData) => {
    const excludes = pathsOf(form.get("excludes"));
    note(await backUp(nodes, excludes.length > 0 ? { excludes } : {}));
  };
  return (
    <Dialog title={t("backUp", { n })} action={t("backUp", { n })} onSubmit={order} onClose={onClose}>
      <p class="dim">{t("backupLine")}</p>
      <ul class="bullets">
        {online.length > 0 && <li>{t("byAgent", { names: textOf(online) })}</li>}
        {offline.length > 0 && <li>{t("atBoot", { names: textOf(offline) })}</li>}
      </ul>
      <Paths name="excludes" label={t("excludes")} />
      {online.length > 0 && <Command line={commandLine("rackseed", "node", "backup", ...rangesOf(online))} />}
      {offline.length > 0 && (
        <Command line={commandLine("rackseed", "node", "backup", ...rangesOf(offline), "--at-boot")} />
      )}
    </Dialog>
  );
}

export function CheckDialog({ nodes, onClose }: Props) {
  const n = nodes.length, { offline } = byAgent(nodes);
  const names = rangesOf(nodes.map(({ name }) => name));
  const order = async (form: FormData) => {
    const keep = pathsOf(form.get("keep"));
    const answer = await call<CheckAnswer>("POST", "/checks", {
      body: {
        nodes: nodes.map(({ name }) => name),
        ...keep.length > 0 && { keep },
        ...form.has("content") && { check: "content" },
      },
    });
    note(checked(answer));
  };
  return (
    <Dialog title={t("check", { n })} action={t("check", { n })} onSubmit={order} onClose={onClose}>
      <p>{names.join(", ")}</p>
      <p class="dim">{t("checkLine")}</p>
      {offline.length > 0 && <p class="warn">{t("noAgent", { n: offline.length, names: textOf(offline) })}
      </p>}
      <Paths name="keep" label={t("keep")} />
      <label class="tick">
        <input type="checkbox" name="content" />
        <span>{t("content")}</span>
      </label>
      <Command line={commandLine("rackseed", "node", "check", ...names)} />
    </Dialog>
  );
}

function Paths({ name, label }: { name: string; label: string }) {
  return (
    <label class="field">
      {label}
      <textarea name={name} rows={2} spellcheck={false} />
      <small>{t("pathsHint")}</small>
    </label>
  );
}

function pathsOf(value: FormDataEntryValue | null): string[] {
  return String(value ?? "").split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

/** Names of the nodes whose agents are connected, and of the others. */
function byAgent(nodes: readonly DeskNode[]): { online: string[]; offline: string[] } {
  const connected = new Set(templates.value.filter(({ online }) => online).map(({ name }) => name));
  const names = nodes.map(({ name }) => name);
  return {
    online: names.filter((name) => connected.has(name)),
    offline: names.filter((name) => !connected.has(name)),
  };
}

function textOf(names: readonly string[]): string {
  return rangesOf(names).join(", ");
}
