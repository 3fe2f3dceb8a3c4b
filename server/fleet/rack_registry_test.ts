import assert from "node:assert/strict";
import { type RackNode, RackRegistry } from "./rack_registry.ts";

const node = (address: string | undefined, rack?: string): RackNode => ({
  settings: rack === undefined ? {} : { rack },
  address,
});

function open(nodes: RackNode[], site: { prefix?: number; server?: RackNode } = {}) {
  const time = { ms: 0 };
  const registry = new RackRegistry({
    nodes: () => nodes,
    server: () => site.server ?? node("10.0.0.254"),
    prefix: () => site.prefix,
    now: () => time.ms,
  });
  return { registry, later: () => time.ms += 1000 };
}

Deno.test("a node gets the addresses of its own rack, and of no other", () => {
  const { registry } = open([
    node("10.0.0.2", "a"),
    node("10.0.0.1", "a"),
    node("10.0.0.3", "b"),
    node(undefined, "a"),
  ]);
  const { own, prefix, members } = registry.racksOf(node("10.0.0.1", "a"), "10.0.0.1");
  assert.deepEqual({ own, prefix, members }, {
    own: "a",
    prefix: undefined,
    members: ["10.0.0.1", "10.0.0.2"],
  });
});

Deno.test("without a label or a prefix a node has no rack; with a prefix, its subnet is its rack", () => {
  const site: { prefix?: number } = {};
  const { registry } = open([node("10.0.0.2", "a")], site);
  const none = registry.racksOf(node("10.0.1.5"), "10.0.1.5");
  assert.deepEqual([none.own, none.prefix, none.members], [undefined, undefined, []]);
  site.prefix = 24;
  const ruled = registry.racksOf(node("10.0.1.5"), "10.0.1.5");
  assert.deepEqual([ruled.own, ruled.prefix, ruled.members], ["10.0.1.0/24", 24, []]);
  assert.notEqual(ruled.revision, none.revision);
});

Deno.test("the revision changes with the rack's members only", () => {
  const nodes = [node("10.0.0.1", "a")];
  const { registry } = open(nodes);
  const revision = () => registry.racksOf(nodes[0] as RackNode, "10.0.0.1").revision;
  const first = revision();
  nodes.push(node("10.0.0.3", "b"));
  assert.equal(revision(), first);
  nodes.push(node("10.0.0.2", "a"));
  assert.notEqual(revision(), first);
});

Deno.test("of a huge rack only a part is sent", () => {
  const nodes = Array.from({ length: 1000 }, (_, i) => node(`10.0.${i >> 8}.${i & 255}`, "a"));
  assert.equal(open(nodes).registry.racksOf(node("10.0.0.1", "a"), "10.0.0.1").members.length, 512);
});

Deno.test("an address that is not IPv4 is sent to nobody", () => {
  const { registry } = open([node("fe80::1", "a"), node("10.0.0.1", "a")]);
  assert.deepEqual(registry.racksOf(node("10.0.0.1", "a"), "10.0.0.1").members, ["10.0.0.1"]);
});

Deno.test("among many nodes, answers may be a second old", () => {
  const nodes = Array.from({ length: 100 }, (_, i) => node(`10.0.1.${i}`, "a"));
  const { registry, later } = open(nodes);
  const members = () => registry.racksOf(nodes[0] as RackNode, "10.0.1.0").members.length;
  assert.equal(members(), 100);
  nodes.push(node("10.0.1.200", "a"));
  assert.equal(members(), 100);
  later();
  assert.equal(members(), 101);
});

Deno.test("a server with a rack label is a member of that rack", () => {
  const { registry } = open([node("10.0.0.1", "a")], { server: node("10.0.0.254", "a") });
  assert.deepEqual(registry.racksOf(node("10.0.0.1", "a"), "10.0.0.1").members, ["10.0.0.1", "10.0.0.254"]);
});

Deno.test("the server knows the rack of every address, and its own", () => {
  const site: { prefix?: number } = {};
  const { registry } = open([node("10.0.0.1", "a"), node("10.0.0.2", "b"), node("10.0.0.3")], site);
  const racks = () => ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => registry.rackOf(address));
  assert.deepEqual([registry.serverRack, ...racks()], [undefined, "a", "b", undefined]);
  site.prefix = 24;
  assert.deepEqual([registry.serverRack, ...racks()], ["10.0.0.0/24", "a", "b", "10.0.0.0/24"]);
  assert.equal(open([], { server: node("10.0.0.254", "a") }).registry.serverRack, "a");
});
