import assert from "node:assert/strict";
import { Hono } from "hono";
import { RackseedError } from "#contract/errors.ts";
import { requireMatch, tag } from "./entity_tag.ts";

/** Answers the status of a change with this If-Match, and the tag of the settings. */
async function ask(current: unknown, wanted?: string) {
  const app = new Hono();
  app.onError((error) => new Response(null, { status: error instanceof RackseedError ? error.status : 500 }));
  app.put("/thing", (c) => {
    requireMatch(c, () => current);
    tag(c, current);
    return c.body(null, 204);
  });
  const headers = { ...(wanted !== undefined && { "if-match": wanted }) };
  const response = await app.request("/thing", { method: "PUT", headers });
  return { status: response.status, tag: response.headers.get("etag") ?? "" };
}

Deno.test("a change is made if its tag is that of the settings as they are, in whatever order their fields", async () => {
  const { tag } = await ask({ a: 1, b: { c: 2, d: [3] } });
  assert.match(tag, /^"[\w-]{22}"$/);
  const same = { b: { d: [3], c: 2 }, a: 1 };
  const cases: [current: unknown, wanted: string | undefined, status: number][] = [
    [same, tag, 204],
    [same, `"other", ${tag}`, 204],
    [same, "*", 204],
    [same, undefined, 204],
    [{ ...same, a: 2 }, tag, 412],
    [{ ...same, a: 2 }, undefined, 204],
    // as the answer had it when it was compressed
    [same, `W/${tag}`, 204],
    [{ ...same, a: 2 }, `W/${tag}`, 412],
    [undefined, tag, 412],
    [undefined, "*", 412],
    [undefined, undefined, 204],
  ];
  for (const [current, wanted, status] of cases) {
    assert.equal((await ask(current, wanted)).status, status, `${JSON.stringify(current)} ${wanted}`);
  }
});
