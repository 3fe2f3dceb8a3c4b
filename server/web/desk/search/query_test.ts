import assert from "node:assert/strict";
import type { DeskNode } from "#contract/desk.ts";
import { parseQuery } from "./query.ts";

const NODES: DeskNode[] = [
  { name: "n1", state: "failed", group: "compute", image: "web@2", mac: "52:54:00:12:34:56", drift: 3 },
  { name: "n2", state: "running", group: "compute", image: "web@21", address: "10.0.0.2/24", drift: 0 },
  { name: "n10", state: "idle", rack: "rack 7" },
  { name: "gpu-n1", state: "installing", order: "backup", silentSince: "2026-01-01T00:00:00Z" },
];

function found(query: string): string {
  return NODES.filter(parseQuery(query).test).map(({ name }) => name).join(" ");
}

Deno.test("a search of nodes finds what its fields and words say", () => {
  const cases: [query: string, names: string][] = [
    ["", "n1 n2 n10 gpu-n1"],
    ["state:failed", "n1"],
    ["state:failed,running", "n1 n2"],
    ["-state:failed", "n2 n10 gpu-n1"],
    ["group:compute image:web@2", "n1 n2"],
    ["image:=web@2", "n1"],
    ["drift:>0", "n1"],
    ["drift:0", "n2"],
    ["drift:>=0", "n1 n2"],
    ["group:none", "n10 gpu-n1"],
    ['rack:"rack 7"', "n10"],
    ["n1", "n1 n10 gpu-n1"],
    ["name:n1", "n1 n10"],
    ["name:*-n", "gpu-n1"],
    ["52:54:00:12", "n1"],
    ["mac:12:34", "n1"],
    ["is:silent", "gpu-n1"],
    ["is:wrong", "n1 gpu-n1"],
    ["order:backup", "gpu-n1"],
    ["STATE:FAILED N1", "n1"],
    ["name:(", ""],
  ];
  for (const [query, names] of cases) assert.equal(found(query), names, query);
});

Deno.test("parts that are no search are named, and do not hide nodes", () => {
  const { faults, test } = parseQuery("colour:red drift:many is:blue state: n1");
  assert.deepEqual(faults, [
    { part: "colour:red", fault: "field" },
    { part: "drift:many", fault: "number" },
    { part: "is:blue", fault: "value" },
    { part: "state:", fault: "value" },
  ]);
  assert.equal(NODES.filter(test).length, 3);
});

Deno.test("a tag of an image stands for its version, and for no other that begins like it", () => {
  const nodes: DeskNode[] = [
    { name: "a", state: "running", image: "web@1" },
    { name: "b", state: "running", image: "web@12" },
  ];
  const found = (query: string) =>
    nodes.filter(parseQuery(query, { tags: new Map([["web@stable", "web@1"]]) }).test)
      .map(({ name }) => name).join(" ");
  assert.equal(found("image:web@stable"), "a");
  assert.equal(found("-image:web@stable"), "b");
  assert.equal(found("image:=web@stable"), "a");
  assert.equal(found("image:web@old"), "");
  assert.equal(found("image:web@1"), "a b");
});
