/**
 * Rewrites multipathd's files (multipath.conf(5)), which name disks by their WWIDs: "/36001405…/" in wwids, "mpatha
 * 36001405…" in bindings, `wwid "36001405…"` in multipath.conf. The template's become the clone's. Pure.
 */
import { isComment, type Rewriting } from "./rewriting.ts";
import type { TemplateDisks } from "./template_disks.ts";

/** Of SCSI page 0x83: a digit for the kind of number, then the number; see scsi_id(8). */
const SCSI_LINK = /^\/dev\/disk\/by-id\/(?:scsi-|dm-uuid-mpath-)(3[0-9a-f]{16,32})$/;

/** The list of known disks, and their names. A disk with one path is left to the kernel: its line goes. */
export function rewriteMultipathList(text: string, { disks }: Rewriting): string {
  const own = ownNumbers(disks);
  return text.split("\n").flatMap((line) => {
    const number = isComment(line) ? undefined : [...own.keys()].find((one) => line.includes(one));
    if (number === undefined) return line;
    const ours = own.get(number);
    return ours === undefined ? [] : line.replaceAll(number, ours);
  }).join("\n");
}

/** The settings: what is said of a disk that has one path on the clone has no effect there, and stays. */
export function rewriteMultipathSettings(text: string, { disks }: Rewriting): string {
  const own = ownNumbers(disks);
  return text.replace(/\b3[0-9a-f]{16,32}\b/g, (number) => own.get(number) ?? number);
}

/** By the template's numbers, those of the same disks on the clone; undefined for a disk that has only one path there. */
function ownNumbers({ layout, clone }: TemplateDisks): ReadonlyMap<string, string | undefined> {
  const numberIn = (names: readonly string[] = []) =>
    names.flatMap((name) => SCSI_LINK.exec(name)?.[1] ?? []).at(0);
  return new Map(layout.disks.flatMap(({ names }, i): [string, string | undefined][] => {
    const number = numberIn(names), disk = clone.disks[i];
    const own = (disk?.paths?.length ?? 0) > 1 ? numberIn(disk?.names) : undefined;
    return number === undefined ? [] : [[number, own]];
  }));
}
