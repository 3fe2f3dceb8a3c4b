/** Makes the content index of a target that has just been installed, resumed or restored. */
import { type BytePath, bytePathOfText, displayPath } from "#contract/format/byte_path.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { statAt } from "../../sys/file_status.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import { type ImageEntry, LEFT_ALONE } from "../extract/frame_plan.ts";
import { isChanged } from "../extract/verify.ts";
import { type ContentIndex, encodeIndex, type IndexEntry } from "../records/content_index.ts";
import type { ExistingTree } from "./existing.ts";

interface TargetIndexOptions {
  readonly manifest: Manifest;
  readonly manifestId: string;
  /** What the comparison found, if there was one. */
  readonly found: ExistingTree | undefined;
  /** The index before a restore. */
  readonly previous: ContentIndex | undefined;
  /** Checksums of the files that were written, by path. */
  readonly sums: ReadonlyMap<BytePath, number>;
  /** Paths (absolute in the tree) that got other content after the install, and everything below them. */
  readonly changed: ReadonlySet<string>;
  /** Mount points of file systems such as vfat, whose inode numbers are others at every mount. */
  readonly plain: readonly string[];
}

/** `path`: of the target's root. Throws SysError. */
export function indexOfTarget(path: string, options: TargetIndexOptions): Uint8Array {
  const root = openAt(AT_FDCWD, bytePathOfText(path), { flags: O.RDONLY | O.DIRECTORY });
  try {
    const entries = options.manifest.entries.map((entry, number) =>
      indexEntry(root, { entry, number }, options)
    );
    return encodeIndex({ manifest: options.manifestId, entries });
  } finally {
    close(root);
  }
}

/** Undefined if nothing is known of the entry: the next comparison reads it. */
function indexEntry(
  root: number,
  { entry, number }: { entry: ImageEntry; number: number },
  { found, previous, sums, changed, plain }: TargetIndexOptions,
): IndexEntry | undefined {
  const shown = `/${displayPath(entry.path)}`;
  if (plain.some((at) => `${shown}/`.startsWith(`${at}/`))) return undefined;
  if (entry.type === "link") return undefined;
  if (found?.states[number] === LEFT_ALONE) return undefined;
  // the entry as it was trusted: if it was touched since, the next comparison no longer trusts it
  const trusted = found?.trusted.get(number);
  if (trusted) return trusted;
  // a restore that only reset the times of directories leaves the index as it is
  const noted = entry.type === "file" ? undefined : previous?.(number);
  if (noted) return noted;
  const sum = entry.type === "file" ? sumOf(entry, { number, found, sums }) : 0;
  if (sum === undefined || isChanged(displayPath(entry.path), changed)) return undefined;
  const { inode, ctimeSec, ctimeNs } = statAt(root, entry.path || "." as BytePath);
  return { inode, ctimeSec, ctimeNs, sum };
}

/** Of a file that was completed, what was kept and what was written. */
function sumOf(
  { path }: ImageEntry,
  { number, found, sums }: Pick<TargetIndexOptions, "found" | "sums"> & { number: number },
): number | undefined {
  const written = sums.get(path), kept = found?.contents.sums.get(number);
  if (!found?.partial.has(number)) return written ?? (found?.contents.whole.has(number) ? kept : undefined);
  return written === undefined || kept === undefined ? undefined : (written ^ kept) >>> 0;
}
