/** How much room the content of a file system takes once its files share nothing with each other any more. Pure. */
import type { FileSystem } from "./layout.ts";
import type { Manifest } from "./manifest.ts";
import { mountPointsOf } from "./subvolume_places.ts";

/** Only on these can files share their content: snapshots, reflinks, deduplication. */
const SHARES = /^(btrfs|xfs)$/;

/**
 * The layout's file systems, each with `unsharedBytes` if that is more than what the template used. Files of the same
 * content count as sharing it: no capture shows whether they do.
 */
export function withUnsharedBytes(
  fileSystems: readonly FileSystem[],
  manifest: Pick<Manifest, "frames" | "entries">,
): FileSystem[] {
  if (!fileSystems.some(({ type }) => SHARES.test(type))) return [...fileSystems];
  const contents = contentsOf(fileSystems, manifest);
  return fileSystems.map((fileSystem, i) => {
    const { type, usedBytes } = fileSystem, { bytes, distinctBytes } = contents[i] as Content;
    // what is compressed on the template is compressed on the clone
    const unsharedBytes = Math.ceil(Math.min(bytes, usedBytes * bytes / Math.max(1, distinctBytes)));
    return SHARES.test(type) && unsharedBytes > usedBytes ? { ...fileSystem, unsharedBytes } : fileSystem;
  });
}

interface Content {
  bytes: number;
  distinctBytes: number;
}

function contentsOf(
  fileSystems: readonly FileSystem[],
  { frames, entries }: Pick<Manifest, "frames" | "entries">,
): Content[] {
  const contents = fileSystems.map((): Content => ({ bytes: 0, distinctBytes: 0 }));
  const seen = fileSystems.map(() => new Set<object>());
  const at = mountFinder(fileSystems);
  for (const entry of entries) {
    if (entry.type !== "file") continue;
    const number = at(entry.path), content = contents[number], own = seen[number];
    if (content === undefined || own === undefined) continue;
    for (const { frame, index } of entry.extents) {
      const slice = frames[frame]?.extents[index];
      if (slice === undefined) continue;
      content.bytes += slice.sizeBytes;
      if (own.has(slice)) continue;
      own.add(slice);
      content.distinctBytes += slice.sizeBytes;
    }
  }
  return contents;
}

/** Finds the number of the file system that holds a path of the image. */
function mountFinder(fileSystems: readonly FileSystem[]): (path: string) => number {
  const mounts = fileSystems.flatMap((fileSystem, number) =>
    mountPointsOf(fileSystem).map((mountPoint) => ({ number, prefix: mountPoint.replace(/^\/|\/$/g, "") }))
  ).sort((a, b) => b.prefix.length - a.prefix.length);
  return (path) =>
    mounts.find(({ prefix }) => prefix === "" || path === prefix || path.startsWith(`${prefix}/`))?.number ??
      -1;
}
