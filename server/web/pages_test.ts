import assert from "node:assert/strict";
import { Hono } from "hono";
import { keyBefore, pageOf, sortedAfter } from "./pages.ts";

/** Serves `names` in pages; returns those of the page, and the address of the next. */
function site(names: string[]) {
  const app = new Hono();
  app.get("/names", (c) => {
    const { limit, cursor } = c.req.query();
    const query = { limit: limit === undefined ? undefined : Number(limit), cursor };
    const keyOf = (name: string) => name;
    return c.json(
      pageOf(c, sortedAfter(names, query as { cursor?: string }, keyOf), { limit: query.limit, keyOf }),
    );
  });
  return async (address: string) => {
    const response = await app.request(address);
    const next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
    return { page: await response.json() as string[], next };
  };
}

Deno.test("pages follow one another until the list ends, whatever is added or removed meanwhile", async () => {
  const names = ["c", "a", "d", "b", "e"];
  const get = site(names);
  const first = await get("/names?limit=2&color=red");
  assert.deepEqual(first.page, ["a", "b"]);
  assert.match(first.next ?? "", /^\/names\?limit=2&color=red&cursor=/);
  names.splice(names.indexOf("b"), 1);
  names.push("aa", "cc");
  const second = await get(first.next ?? "");
  assert.deepEqual(second.page, ["c", "cc"]);
  const third = await get(second.next ?? "");
  assert.deepEqual(third, { page: ["d", "e"], next: undefined });
});

Deno.test("without a limit, everything comes at once", async () => {
  assert.deepEqual(await site(["b", "a"])("/names"), { page: ["a", "b"], next: undefined });
});

Deno.test("a cursor that the server did not make is refused", () => {
  assert.throws(() => keyBefore({ cursor: "n1!" }), { status: 400 });
});
