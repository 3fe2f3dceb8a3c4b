/** Pages of long lists: by cursor, so that what is added or removed meanwhile neither repeats nor hides an item. */
import type { Context } from "hono";
import type { PageQuery } from "#contract/api/pages.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Images } from "../fleet/ports.ts";

/** The key of the last item before the page; undefined: from the beginning. Throws RackseedError (400). */
export function keyBefore({ cursor }: PageQuery): string | undefined {
  if (cursor === undefined) return undefined;
  const key = Buffer.from(cursor, "base64url").toString();
  if (cursorOf(key) === cursor) return key;
  throw new RackseedError("cannot show this page", {
    reason: "the cursor is not one that this server made.",
    remedy: "follow the Link header of the page before, or begin without a cursor.",
    status: 400,
  });
}

/** Takes the first items, and names the next page in the answer's `Link` header (RFC 8288). */
export function pageOf<T>(
  c: Context,
  items: Iterable<T>,
  { limit, keyOf }: { limit: number | undefined; keyOf: (item: T) => string },
): T[] {
  const page: T[] = [];
  for (const item of items) {
    const last = page.at(-1);
    if (page.length === limit && last !== undefined) {
      const next = new URL(c.req.url);
      next.searchParams.set("cursor", cursorOf(keyOf(last)));
      c.header("link", `<${next.pathname}${next.search}>; rel="next"`);
      break;
    }
    page.push(item);
  }
  return page;
}

/** The items whose keys come after the cursor's, sorted by their keys as text. */
export function sortedAfter<T>(items: readonly T[], query: PageQuery, keyOf: (item: T) => string): T[] {
  const before = keyBefore(query);
  return items.filter((item) => before === undefined || keyOf(item) > before)
    .sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
}

/** Whether "web@3" is what the filter names: NAME, or NAME@VERSION. */
export function isOfImage(ref: string | undefined, filter: string | undefined): boolean {
  return filter === undefined || ref === filter || (ref?.startsWith(`${filter}@`) ?? false);
}

/** A filter by tag, NAME@TAG, as that by the version it names. Throws RackseedError (404). */
export function exactImage(filter: string | undefined, images: Pick<Images, "get">): string | undefined {
  if (filter === undefined || !/@[a-z]/.test(filter)) return filter;
  const { image, version } = images.get(filter);
  return `${image}@${version}`;
}

function cursorOf(key: string): string {
  return Buffer.from(key).toString("base64url");
}
