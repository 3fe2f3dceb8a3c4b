/** The paths in which two versions differ. */
import type { ImageChange } from "#contract/api.ts";
import type { ChangeKind } from "#contract/api/files.ts";
import { comparePaths } from "#contract/format/byte_path.ts";
import type { Entry, HashedExtent } from "#contract/format/entry.ts";
import { changeOf } from "../../store/image_diff.ts";
import { Turns } from "./turns.ts";
import type { EntryNumber, VersionIndex } from "./version_index.ts";

export interface Versions {
  readonly from: VersionIndex;
  readonly to: VersionIndex;
}

/** One path: its entry in the older version, in the newer one, or in both. */
export interface Pair {
  readonly old: EntryNumber | undefined;
  readonly now: EntryNumber | undefined;
}

interface Difference extends Pair {
  readonly change: ImageChange;
}

/** In the order of paths, in turns. */
export async function* differences({ from, to }: Versions): AsyncGenerator<Difference> {
  const turns = new Turns();
  let old = 0, now = 0;
  while (old < from.size || now < to.size) {
    const order = old >= from.size ? 1 : now >= to.size ? -1 : comparePaths(from.path(old), to.path(now));
    if (order !== 0 || !from.isSame(old, { other: to, number: now })) {
      const pair = { old: order > 0 ? undefined : old, now: order < 0 ? undefined : now };
      const change = changeAt(pair, { from, to });
      if (change) yield { ...pair, change };
    }
    if (order <= 0) old++;
    if (order >= 0) now++;
    const rest = turns.rest();
    if (rest) await rest;
  }
}

export function changeAt({ old, now }: Pair, { from, to }: Versions): ImageChange | undefined {
  return changeOf(
    old === undefined ? undefined : hashed(from, old),
    now === undefined ? undefined : hashed(to, now),
  );
}

function hashed(index: VersionIndex, number: EntryNumber): Entry<HashedExtent> {
  const entry = index.entry(number);
  if (entry.type !== "file") return entry;
  const extents = entry.extents.map(({ offset, frame, index: slice }) => ({
    offset,
    sizeBytes: index.slice(frame, slice).sizeBytes,
    sha256: index.hash(frame, slice),
  }));
  return { ...entry, extents };
}

const KINDS: Readonly<Record<string, ChangeKind>> = {
  mode: "mode",
  owner: "owner",
  mtime: "time",
  xattrs: "xattrs",
  target: "target",
  device: "device",
};

export function kindsOf({ change, what = [] }: ImageChange): ChangeKind[] {
  const kinds = what.map((one) => KINDS[one] ?? (one.startsWith("was a ") ? "type" : "flags"));
  return [...new Set(change === "attributes" ? kinds : [change, ...kinds])];
}
