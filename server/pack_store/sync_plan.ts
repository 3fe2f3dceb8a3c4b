/** What is uploaded to the bucket next, and what is removed from it. Pure. */
import type { BucketObject } from "../store/bucket_objects.ts";

/** A file that is to be in the bucket. */
export interface Wanted {
  readonly key: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly needs: readonly string[];
}

/** A version's files in the order in which they are uploaded: packs, then the others, the manifest last. */
export type WantedVersion = readonly Wanted[];

type Rows = ReadonlyMap<string, BucketObject>;

/**
 * The next file to upload: not in the bucket, everything it needs is. `skip`: keys that failed in this round. Undefined
 * if there is none.
 */
export function nextUpload(
  versions: Iterable<WantedVersion>,
  { rows, isLocal, skip }: {
    rows: Rows;
    isLocal: (wanted: Wanted) => boolean;
    skip: ReadonlySet<string>;
  },
): Wanted | undefined {
  const isStored = (key: string) => isThere(rows.get(key));
  for (const version of versions) {
    for (const wanted of version) {
      if (isStored(wanted.key) || skip.has(wanted.key)) continue;
      if (wanted.needs.every(isStored) && isLocal(wanted)) return wanted;
    }
  }
  return undefined;
}

/**
 * What no version wants any more, in the order in which it may be removed. A pack waits until no manifest in the bucket
 * needs it, however long that one's removal is refused.
 */
export function removable(wanted: ReadonlySet<string>, rows: Rows): BucketObject[] {
  const going = [...rows.values()].filter(({ key, state }) => !wanted.has(key) && state !== "refused");
  const needed = new Set([...rows.values()].flatMap(({ needs }) => needs));
  return [
    ...going.filter(({ needs }) => needs.length > 0),
    ...going.filter(({ needs, key }) => needs.length === 0 && !needed.has(key)),
  ];
}

/** A refused removal means that the object is still there. */
export function isThere(row: BucketObject | undefined): boolean {
  return row?.state === "stored" || row?.state === "refused";
}
