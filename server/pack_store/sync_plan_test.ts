import assert from "node:assert/strict";
import type { BucketObject, ObjectState } from "../store/bucket_objects.ts";
import { nextUpload, removable, type Wanted } from "./sync_plan.ts";

const file = (key: string, needs: readonly string[] = []): Wanted => ({
  key,
  path: `/data/${key}`,
  sizeBytes: 1,
  sha256: "00",
  needs,
});
const row = (key: string, state: ObjectState, needs: readonly string[] = []): BucketObject => ({
  ...file(key, needs),
  state,
});
const rowsOf = (...rows: BucketObject[]) => new Map(rows.map((one) => [one.key, one]));

const web1 = [file("a"), file("b"), file("web@1", ["a", "b"])];
const web2 = [file("b"), file("c"), file("web@2", ["b", "c"])];

/** The keys in the order in which they are uploaded. */
function uploads({ fails = [] as string[], lacks = [] as string[], rows = new Map<string, BucketObject>() }) {
  const order: string[] = [], skip = new Set<string>();
  for (;;) {
    const next = nextUpload([web1, web2], { rows, skip, isLocal: ({ key }) => !lacks.includes(key) });
    if (!next) return order;
    if (fails.includes(next.key)) skip.add(next.key);
    else {
      order.push(next.key);
      rows.set(next.key, { ...next, state: "stored" });
    }
  }
}

Deno.test("a manifest is uploaded when all its packs are there, and a shared pack once", () => {
  assert.deepEqual(uploads({}), ["a", "b", "web@1", "c", "web@2"]);
});

Deno.test("a pack that fails keeps its manifest out, and no other", () => {
  assert.deepEqual(uploads({ fails: ["a"] }), ["b", "c", "web@2"]);
  assert.deepEqual(uploads({ lacks: ["c"] }), ["a", "b", "web@1"]);
});

Deno.test("what was begun or got lost is uploaded, what is there is not", () => {
  const rows = rowsOf(row("a", "stored"), row("b", "lost"), row("c", "uploading"));
  assert.deepEqual(uploads({ rows }), ["b", "web@1", "c", "web@2"]);
});

Deno.test("manifests are removed first, then packs that no manifest in the bucket needs", () => {
  const all = rowsOf(
    row("a", "stored"),
    row("b", "stored"),
    row("c", "stored"),
    row("web@1", "stored", ["a", "b"]),
    row("web@2", "stored", ["b", "c"]),
  );
  const keys = (wanted: string[], rows = all) => removable(new Set(wanted), rows).map(({ key }) => key);
  assert.deepEqual(keys(["b", "c", "web@2"]), ["web@1"]);
  all.delete("web@1");
  assert.deepEqual(keys(["b", "c", "web@2"]), ["a"]);
});

Deno.test("a refused removal is left alone, and so are the packs of that manifest", () => {
  const rows = rowsOf(row("a", "stored"), row("d", "stored"), row("web@1", "refused", ["a"]));
  assert.deepEqual(removable(new Set(), rows).map(({ key }) => key), ["d"]);
});
