/**
 * Entity tags (RFC 9110 §8.8.3) of what is set, so that one change does not undo another that came in between: a caller
 * reads the settings with their tag, and sends it along with the change as `If-Match`. A tag is that of the settings
 * alone: the same settings have the same tag, whatever the thing itself does.
 */
import { createHash } from "node:crypto";
import type { Context } from "hono";
import { RackseedError } from "#contract/errors.ts";

/** Puts the tag of the settings into the answer. */
export function tag(c: Context, settings: unknown): void {
  c.header("etag", tagOf(settings));
}

/**
 * Call right before the change, with nothing awaited in between. `current`: the settings as they are; undefined if there
 * are none. Throws RackseedError (412) if the caller asks for others (RFC 9110 §13.1.1).
 */
export function requireMatch(c: Context, current: () => unknown): void {
  const wanted = c.req.header("if-match");
  if (wanted === undefined) return;
  const settings = current();
  // If-Match compares strongly (RFC 9110 §13.1.1), but what compresses an answer on its way, the runtime of this
  // program included, makes its tag weak (§8.8.1). It still stands for the same settings.
  const tags = wanted.split(",").map((one) => one.trim().replace(/^W\//, ""));
  if (settings !== undefined && (wanted.trim() === "*" || tags.includes(tagOf(settings)))) return;
  throw new RackseedError(`cannot change ${c.req.path}`, {
    reason: settings === undefined
      ? "it does not exist (any more)."
      : "it was changed since it was read: the tag in If-Match is no longer the current one.",
    remedy: "read it again, and repeat the change if it still applies, with the new ETag.",
    status: 412,
  });
}

function tagOf(settings: unknown): string {
  const hash = createHash("sha256").update(JSON.stringify(sorted(settings)) ?? "");
  return `"${hash.digest("base64url").slice(0, 22)}"`;
}

/** The order of fields says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, one]) => [key, sorted(one)]),
  );
}
