import assert from "node:assert/strict";
import type { ImageView } from "#contract/api.ts";
import { lineagesOf } from "./facts.ts";

function view(image: string, version: number, created: string): ImageView {
  const totals = { entries: 1, files: 1, fileBytes: 1, extentBytes: 1, sealedBytes: 1 };
  const stored = { own: 1, shared: 2, lineage: 30 };
  return { image, version, id: "", created, totals, bootable: true, tags: [], stored };
}

Deno.test("lineages come with the newest capture first, and their versions newest first", () => {
  const found = lineagesOf([
    view("db", 1, "2026-01-03T00:00:00Z"),
    view("web", 2, "2026-01-02T00:00:00Z"),
    view("web", 10, "2026-01-04T00:00:00Z"),
  ]);
  assert.deepEqual(found.map(({ name, bytes, versions }) => [name, bytes, versions.map((v) => v.version)]), [
    ["web", 30, [10, 2]],
    ["db", 30, [1]],
  ]);
});
