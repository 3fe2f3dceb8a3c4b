import assert from "node:assert/strict";
import type { NodeSettings } from "#contract/api.ts";
import type { NetworkInterface } from "#contract/identity.ts";
import { settingsWith, tableIdentity } from "./table_identity.ts";

const A = "52:54:00:00:00:0a", B = "52:54:00:00:00:0b";
const none = { gateways: [], dns: [] };
const card = (mac: string, more: Partial<NetworkInterface> = {}): NetworkInterface =>
  ({ kind: "ethernet", mac, addresses: [], ...none, ...more }) as NetworkInterface;
const bond = (addresses: NetworkInterface["addresses"]): NetworkInterface => ({
  kind: "bond",
  name: "bond0",
  members: [A, B],
  mode: "802.3ad",
  addresses,
  ...none,
});

const cases: { name: string; settings: NodeSettings; interfaces: NetworkInterface[] }[] = [
  { name: "no settings", settings: { mac: A }, interfaces: [card(A, { addresses: "dhcp" })] },
  {
    name: "an address",
    settings: { mac: A, address: "10.0.0.5/24", gateway: "10.0.0.1", dns: ["10.0.0.2"] },
    interfaces: [card(A, { addresses: ["10.0.0.5/24"], gateways: ["10.0.0.1"], dns: ["10.0.0.2"] })],
  },
  {
    name: "a second interface",
    settings: { mac: A, address: "10.0.0.5/24", interfaces: [card(B, { addresses: ["10.1.0.5/24"] })] },
    interfaces: [card(A, { addresses: ["10.0.0.5/24"] }), card(B, { addresses: ["10.1.0.5/24"] })],
  },
  {
    name: "a bond that contains the first interface has its address",
    settings: { mac: A, address: "10.0.0.5/24", interfaces: [bond([])] },
    interfaces: [bond(["10.0.0.5/24"])],
  },
  {
    name: "a bond that carries only a VLAN",
    settings: {
      mac: A,
      address: "off",
      interfaces: [bond([]), {
        kind: "vlan",
        name: "v7",
        id: 7,
        parent: "bond0",
        addresses: "dhcp",
        ...none,
      }],
    },
    interfaces: [bond([]), { kind: "vlan", name: "v7", id: 7, parent: "bond0", addresses: "dhcp", ...none }],
  },
  {
    name: "a VLAN on the first interface",
    settings: {
      mac: A,
      address: "off",
      interfaces: [{ kind: "vlan", name: "v7", id: 7, parent: A, addresses: "dhcp", ...none }],
    },
    interfaces: [card(A), { kind: "vlan", name: "v7", id: 7, parent: A, addresses: "dhcp", ...none }],
  },
  {
    name: "more than one address on the first interface",
    settings: {
      mac: A,
      address: "10.0.0.5/24",
      interfaces: [card(A, { addresses: ["2001:db8::5/64"], mtu: 9000 })],
    },
    interfaces: [card(A, { addresses: ["10.0.0.5/24", "2001:db8::5/64"], mtu: 9000 })],
  },
];
for (const { name, settings, interfaces } of cases) {
  Deno.test(`settings and identity convert both ways: ${name}`, () => {
    const identity = tableIdentity({ name: "n1", settings });
    assert.deepEqual(identity, { hostname: "n1", interfaces });
    const again = settingsWith({ mac: A, rack: "a" }, identity);
    assert.deepEqual(tableIdentity({ name: "x", settings: again }), identity);
    assert.equal(again.rack, "a");
  });
}

Deno.test("interfaces that contradict each other are refused", () => {
  const wrong: NodeSettings[] = [
    { mac: A, interfaces: [card(B), card(B)] },
    {
      mac: A,
      interfaces: [{ kind: "vlan", name: "v7", id: 7, parent: "bond0", addresses: "dhcp", ...none }],
    },
    { mac: A, interfaces: [card(B), bond([])] },
  ];
  for (const settings of wrong) assert.throws(() => tableIdentity({ name: "n1", settings }), { status: 400 });
});
