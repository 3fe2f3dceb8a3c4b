/** What happened to a node, in words. */
import type { HistoryEntry, HistoryKind } from "#contract/api/node_history.ts";
import { describeAction } from "./audit_text.ts";

const KINDS: Readonly<Record<Exclude<HistoryKind, "schedule" | "other">, string>> = {
  "deployment": "deployment",
  "restore": "restore",
  "dry-run": "dry run of a restore",
  "backup": "backup",
  "capture": "capture",
  "discovery": "hardware is read",
  "check": "comparison with the image",
  "first-boot": "first boot",
  "boot": "network boot",
  "hardware": "hardware changed",
  "power": "power",
  "settings": "settings changed",
  "cancel": "order cancelled",
  "adoption": "made a node",
  "recovery-key": "recovery key shown",
};

/** "deployment", "hardware accepted": what it was. */
export function describeEvent({ kind, action }: HistoryEntry): string {
  if (action === "node.accept-hardware") return "hardware accepted";
  if (action === "node.forget-tpm") return "TPM forgotten";
  if (action === "node.power-set") return "power settings changed";
  return kind === "schedule" || kind === "other" ? describeAction(action ?? kind) : KINDS[kind];
}

/** From the beginning of the work, or else from the order, to its end; undefined if it has none. */
export function secondsOf({ at, began, ended }: HistoryEntry): number | undefined {
  return ended === undefined ? undefined : (Date.parse(ended) - Date.parse(began ?? at)) / 1000;
}
