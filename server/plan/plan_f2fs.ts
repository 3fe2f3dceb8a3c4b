/** Arguments of mkfs.f2fs(8) for a file system like the template's. Pure. */
import type { FileSystem } from "#contract/format/layout.ts";

/** mkfs.f2fs makes smaller ones, but leaves them hardly any room. */
export const LEAST_F2FS_BYTES = 128 << 20;

export function mkfsF2fsArgv(
  { uuid, label, mkfs: { f2fs } }: Pick<FileSystem, "uuid" | "label" | "mkfs">,
): [string, ...string[]] {
  return [
    "mkfs.f2fs",
    "-q",
    "-f",
    ...uuid ? ["-U", uuid] : [],
    ...label ? ["-l", label] : [],
    ...f2fs
      ? [
        ...f2fs.features.length > 0 ? ["-O", f2fs.features.join(",")] : [],
        ...["-s", String(f2fs.segmentsPerSection), "-z", String(f2fs.sectionsPerZone)],
      ]
      : [],
  ];
}
