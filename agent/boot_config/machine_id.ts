/**
 * Machine-ids in the boot configuration. kernel-install(8) writes systemd.machine_id= into each loader entry, and
 * systemd takes that instead of the id in /etc/machine-id, which it overwrites (systemd.machine_id= in
 * kernel-command-line(7)): a clone would become its template at its first boot.
 */
import type { CloneTree } from "../tree/tree_files.ts";

const ARGUMENT =
  /(?<![\w.-])(systemd\.machine_id=["']?)([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])/gi;
/** A loader entry's own line (Boot Loader Specification). */
const ENTRY = /\/loader\/entries\/[^/]+\.conf$/, ENTRY_LINE = /^(machine-id[ \t]+)[0-9a-f]{32}[ \t]*$/gm;

/** 32 hexadecimal digits; undefined if it gets one at its first boot. */
export async function ownMachineId(clone: CloneTree): Promise<string | undefined> {
  const text = (await clone.text("/etc/machine-id"))?.trim() ?? "";
  return /^[0-9a-f]{32}$/.test(text) ? text : undefined;
}

/** The text of the file `path`, with the machine-id `own` in place of any other. Its length stays. */
export function withOwnMachineId(
  text: string,
  { path, own }: { path: string; own: string | undefined },
): string {
  if (own === undefined) return text;
  const dashed = own.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  const changed = text.replace(
    ARGUMENT,
    (_, name: string, id: string) => `${name}${id.includes("-") ? dashed : own}`,
  );
  return ENTRY.test(path) ? changed.replace(ENTRY_LINE, `$1${own}`) : changed;
}
