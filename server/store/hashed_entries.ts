import type { Entry, HashedExtent } from "#contract/format/entry.ts";
import type { Manifest } from "#contract/format/manifest.ts";

/** A version's entries in the form of a capture, which names extents by hash. */
export function* hashedEntries({ frames, entries }: Manifest): Generator<Entry<HashedExtent>> {
  for (const entry of entries) {
    if (entry.type !== "file") yield entry;
    else {
      const extents = entry.extents.map(({ offset, frame, index }) => {
        const slice = frames[frame]?.extents[index];
        if (slice === undefined) throw new RangeError("a file refers to a missing extent");
        return { offset, sizeBytes: slice.sizeBytes, sha256: slice.sha256 };
      });
      yield { ...entry, extents };
    }
  }
}
