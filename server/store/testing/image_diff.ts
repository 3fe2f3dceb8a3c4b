/** All changes between two versions in memory: what the tree of changes is tested against. */
import type { ImageChange } from "#contract/api.ts";
import { comparePaths } from "#contract/format/byte_path.ts";
import type { Entry, HashedExtent } from "#contract/format/entry.ts";
import { changeOf } from "../image_diff.ts";

type Hashed = Entry<HashedExtent>;

/** Both inputs are in manifest order, and so is the result. */
export function* imageDiff(from: Iterable<Hashed>, to: Iterable<Hashed>): Generator<ImageChange> {
  const olds = from[Symbol.iterator](), news = to[Symbol.iterator]();
  let old = olds.next().value, now = news.next().value;
  while (old !== undefined || now !== undefined) {
    const order = old === undefined ? 1 : now === undefined ? -1 : comparePaths(old.path, now.path);
    const change = changeOf(order > 0 ? undefined : old, order < 0 ? undefined : now);
    if (change) yield change;
    if (order <= 0) old = olds.next().value;
    if (order >= 0) now = news.next().value;
  }
}
