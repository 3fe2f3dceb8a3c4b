/** How arguments name many nodes, addresses and interfaces. */
import assert from "node:assert/strict";
import { formatInterface, parseInterface } from "../words/interface_text.ts";
import { planAddresses } from "./node_addresses.ts";
import { expandNames, nodeNames } from "../words/node_names.ts";
import { UsageError } from "../words/usage.ts";

const names: [pattern: string, names: string[] | RegExp][] = [
  ["n1", ["n1"]],
  ["52:54:00:00:00:01", ["52:54:00:00:00:01"]],
  ["node{008..011}", ["node008", "node009", "node010", "node011"]],
  ["node[8-11]", ["node8", "node9", "node10", "node11"]],
  ["r[1-2]n[1,05-06]x", ["r1n1x", "r1n05x", "r1n06x", "r2n1x", "r2n05x", "r2n06x"]],
  ["n[3-1]", /backwards/],
  ["n[1-]", /the form 1-8 or 3/],
  ["n[1-2-3]", /the form 1-8 or 3/],
  ["n[a]", /is not a name/],
  ["n{1..2", /is not a name/],
  ["n[1-99999]", /more than 10000/],
  ["r[1-200]n[1-200]", /more than 10000/],
  ["n[1-99999999999999]", /more than 10000/],
];
for (const [pattern, expected] of names) {
  Deno.test(`names of nodes: ${pattern}`, () => {
    if (Array.isArray(expected)) assert.deepEqual(expandNames(pattern), expected);
    else {assert.throws(() =>
        expandNames(pattern), (e: Error) =>
        e instanceof UsageError && expected.test(e.message));}
  });
}

Deno.test("a group expands to its nodes, each node appears once, and an empty group is an error", () => {
  const nodes = ["a1", "a2", "b1"].map((name) => ({ name, settings: { group: name.slice(0, 1) } }));
  assert.deepEqual(nodeNames(["a1", "@a", "c[1-2]"], { nodes }), ["a1", "a2", "c1", "c2"]);
  assert.throws(() => nodeNames(["@x"], { nodes }), /the group x has no nodes/);
});

const plan = (text: string, nodes: { name: string; address?: string }[], taken: string[] = []) =>
  planAddresses(text, { nodes, taken: new Set(taken) });
const three = ["n1", "n2", "n3"].map((name) => ({ name }));

Deno.test("addresses: a range gives each node the next free one, past the end of an octet", () => {
  assert.deepEqual(plan("10.0.0.254-10.0.1.9/16", three, ["10.0.0.255"]), [
    ...["10.0.0.254/16", "10.0.1.0/16", "10.0.1.1/16"],
  ]);
});

Deno.test("addresses: a node with one of the range keeps it, so that repeating the command changes nothing", () => {
  const nodes = [{ name: "n1", address: "10.0.0.12/24" }, { name: "n2" }, {
    name: "n3",
    address: "10.9.0.1/24",
  }];
  assert.deepEqual(plan("10.0.0.11-10.0.0.19/24", nodes), ["10.0.0.12/24", "10.0.0.11/24", "10.0.0.13/24"]);
});

Deno.test("addresses: a rule takes numbers from the node's name", () => {
  const nodes = [{ name: "r2n007" }, { name: "r3n008" }];
  assert.deepEqual(plan("10.0.{1}.{n+10}/16", nodes), ["10.0.2.17/16", "10.0.3.18/16"]);
  assert.deepEqual(plan("10.{2-1}.0.5/24", nodes), ["10.6.0.5/24", "10.7.0.5/24"]);
});

const wrong: [text: string, message: RegExp][] = [
  ["10.0.0.5/24", /one address for 3 nodes/],
  ["10.0.0.11-10.0.0.12/24", /no free address for n3/],
  ["10.0.0.12-10.0.0.11/24", /comes after the last/],
  ["10.0.0.300-10.0.0.301/24", /10\.0\.0\.300 is not an address/],
  ["10.0.{2}.{n}/24", /the name n1 has no number for \{2\}/],
];
for (const [text, message] of wrong) {
  Deno.test(`addresses that cannot be planned: ${text}`, () =>
    assert.throws(() => plan(text, three), message));
}

Deno.test("addresses: other values apply to every node", () => {
  assert.deepEqual(plan("dhcp", three), ["dhcp", "dhcp", "dhcp"]);
  assert.deepEqual(plan("10.0.0.5/24", [{ name: "n1" }]), ["10.0.0.5/24"]);
});

const A = "52:54:00:00:00:01", B = "52:54:00:00:00:02";
const none = { gateways: [], dns: [] };
const interfaces: [text: string, parsed: object, formatted?: string][] = [
  [
    `${A.toUpperCase()}=10.1.0.5/24`,
    { kind: "ethernet", mac: A, addresses: ["10.1.0.5/24"] },
    `${A}=10.1.0.5/24`,
  ],
  [`${A}=10.1.0.5/24+2001:db8::5/64`, {
    kind: "ethernet",
    mac: A,
    addresses: ["10.1.0.5/24", "2001:db8::5/64"],
  }],
  [
    `bond0=${A}+${B}`,
    { kind: "bond", name: "bond0", members: [A, B], mode: "802.3ad", addresses: [] },
    `bond0=${A}+${B},802.3ad=none`,
  ],
  [
    `bond1=${A}+${B},active-backup=dhcp`,
    { kind: "bond", name: "bond1", members: [A, B], mode: "active-backup", addresses: "dhcp" },
  ],
  ["bond0.100=dhcp", { kind: "vlan", name: "bond0.100", id: 100, parent: "bond0", addresses: "dhcp" }],
  [`${A}.7=none`, { kind: "vlan", name: "vlan7", id: 7, parent: A, addresses: [] }],
];
for (const [text, parsed, formatted = text] of interfaces) {
  Deno.test(`an interface as text: ${text}`, () => {
    assert.deepEqual(parseInterface(text), { ...parsed, ...none });
    assert.equal(formatInterface(parseInterface(text)), formatted);
    assert.deepEqual(parseInterface(formatted), parseInterface(text));
  });
}
for (
  const text of [
    "",
    A,
    "bond0",
    `bond0=${A}+x`,
    `bond0=${A},fast`,
    "bond0.4095=dhcp",
    `${A}=10.0.0.5`,
    `a=${A}=dhcp=x`,
  ]
) {
  Deno.test(`not an interface: "${text}"`, () => assert.throws(() => parseInterface(text), UsageError));
}
