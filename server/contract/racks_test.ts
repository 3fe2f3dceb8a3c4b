import assert from "node:assert/strict";
import { networkOf, rackLookup } from "./racks.ts";

const networks: [address: string, prefix: number, network: string | undefined][] = [
  ["10.0.1.7", 24, "10.0.1.0/24"],
  ["10.0.1.7", 8, "10.0.0.0/8"],
  ["10.0.1.200", 25, "10.0.1.128/25"],
  ["10.0.255.9", 20, "10.0.240.0/20"],
  ["10.0.1.7", 31, "10.0.1.6/31"],
  ["10.0.1.256", 24, undefined],
  ["::1", 24, undefined],
  ["", 24, undefined],
];
for (const [address, prefix, network] of networks) {
  Deno.test(`the /${prefix} of "${address}" is ${network ?? "unknown"}`, () => {
    assert.equal(networkOf(address, prefix), network);
  });
}

Deno.test("members of the own rack are near; the subnet decides for the others", () => {
  const rackOf = rackLookup({ own: "a1", prefix: 24, members: ["10.0.1.7", "10.0.2.9"], revision: "" });
  assert.equal(rackOf("10.0.1.7"), "a1");
  assert.equal(rackOf("10.0.2.9"), "a1");
  assert.equal(rackOf("10.0.2.8"), "10.0.2.0/24");
});

Deno.test("without a prefix everyone but the members is elsewhere; without a rack of our own nothing is known", () => {
  const rackOf = rackLookup({ own: "a1", members: ["10.0.1.7"], revision: "" });
  assert.deepEqual([rackOf("10.0.1.7"), rackOf("10.0.1.8")], ["a1", ""]);
  assert.equal(rackLookup({ members: ["10.0.1.7"], revision: "" })("10.0.1.7"), undefined);
});

Deno.test("with a prefix, nodes of one subnet are near to each other", () => {
  const own = networkOf("10.0.1.7", 24);
  assert(own);
  const rackOf = rackLookup({ own, prefix: 24, members: [], revision: "" });
  assert.equal(rackOf("10.0.1.9"), own);
  assert.notEqual(rackOf("10.0.2.9"), own);
});
