import assert from "node:assert/strict";
import type { DeskNode } from "#contract/desk.ts";
import { grouped, searchOf, sorted, viewOf } from "./list_view.ts";

const NODES: DeskNode[] = [
  { name: "n1", state: "running", rack: "r2", drift: 4 },
  { name: "n2", state: "failed", rack: "r10" },
  { name: "n3", state: "failed", drift: 1 },
];

Deno.test("a view of the list survives its address", () => {
  for (const search of ["", "?q=state%3Afailed&as=racks", "?sort=-drift&by=rack&columns=state%2Cmac"]) {
    assert.equal(searchOf(viewOf(new URLSearchParams(search))), search);
  }
});

Deno.test("an address with nonsense shows the usual view", () => {
  assert.equal(searchOf(viewOf(new URLSearchParams("?as=pie&sort=--x&by=moon&columns=,,"))), "?sort=-name");
});

Deno.test("nodes are sorted by a column, those without a value last, equal ones by name", () => {
  const names = (sort: string) =>
    sorted(NODES, viewOf(new URLSearchParams({ sort }))).map(({ name }) => name).join(" ");
  assert.equal(names("state"), "n2 n3 n1");
  assert.equal(names("drift"), "n3 n1 n2");
  assert.equal(names("rack"), "n1 n2 n3");
  assert.equal(names("-name"), "n3 n2 n1");
});

Deno.test("nodes are grouped, those without a group last", () => {
  assert.deepEqual(grouped(NODES, "rack").map(({ key, nodes }) => `${key}:${nodes.length}`), [
    "r2:1",
    "r10:1",
    ":1",
  ]);
});
