/**
 * SELinux labels of the files that the image's own programs made on the clone: boot loader, initramfs, host keys. The
 * marker for relabelling everything at the first boot is only left if that is needed, since it takes minutes.
 */
import { labelOf, setLabel } from "../../tree/labels.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

const MARKER = "/.autorelabel";
/** Far more than a loader has. */
const MAX_FILES = 20_000;

/** Labels what was changed and has no label. Returns notes. */
export async function labelChanged(clone: CloneTree): Promise<string[]> {
  const settings = await clone.text("/etc/selinux/config") ?? "";
  const mode = /^\s*SELINUX=(\w+)/m.exec(settings)?.[1];
  // without labels anywhere, the image's system makes them itself when it needs them
  const isUsed = mode === "enforcing" || mode === "permissive";
  const rootLabel = Deno.uid() === 0 ? labelOf(clone.root) : undefined;
  if (!isUsed || rootLabel === undefined) return [];
  let unlabelled = 0, looked = 0;
  const label = (at: string, inherited: Uint8Array | undefined) => {
    if (++looked > MAX_FILES) return;
    const own = labelOf(at);
    // vfat takes none, and is mounted with one for all its files
    if (own === undefined && !setLabel(at, inherited ?? rootLabel)) return;
    if (own === undefined && inherited === undefined) unlabelled++;
    if (!Deno.lstatSync(at).isDirectory) return;
    for (const { name } of Deno.readDirSync(at)) label(`${at}/${name}`, own ?? inherited);
  };
  for (const path of clone.changed) {
    const at = await clone.directory(path) ?? await clone.file(path);
    if (at !== undefined) label(at, labelOf(at.slice(0, at.lastIndexOf("/"))));
  }
  if (unlabelled === 0) return [];
  await clone.write(MARKER, { text: "", mode: 0o644 });
  return [
    `${unlabelled} new files have no SELinux label: the first boot labels all files again, which takes minutes`,
  ];
}
