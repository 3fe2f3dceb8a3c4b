/** Interfaces of machines with up to three NICs, as tests write and read them. */
import type { NetworkInterface } from "#contract/identity.ts";

const A = "52:54:00:00:00:0a", B = "52:54:00:00:00:0b", C = "52:54:00:00:00:0c";
export const NICS = [A, B, C].map((mac, i) => ({ mac, names: [`ens1${i}`] }));

const STATIC = { addresses: ["10.0.0.5/24"], gateways: ["10.0.0.1"], dns: ["10.0.0.2", "10.0.0.3"] };
export const DHCP = { addresses: "dhcp" as const, gateways: [], dns: [] };
const PLAIN = { gateways: [], dns: [] };
const nic = (mac: string, more: Partial<NetworkInterface> = {}): NetworkInterface =>
  ({ kind: "ethernet", mac, addresses: [], ...PLAIN, ...more }) as NetworkInterface;
const bond = (more: object): NetworkInterface =>
  ({ kind: "bond", name: "bond0", members: [A, B], mode: "802.3ad", ...more }) as NetworkInterface;
const vlan = (id: number, more: object): NetworkInterface =>
  ({ kind: "vlan", name: `vlan${id}`, id, ...more }) as NetworkInterface;

export const LAYOUTS: Record<string, NetworkInterface[]> = {
  "one-static": [nic(A, STATIC)],
  "one-dhcp": [nic(A, DHCP)],
  "one-static-and-ipv6": [nic(A, {
    addresses: ["10.0.0.5/24", "10.0.0.6/32", "2001:db8::5/64"],
    gateways: ["10.0.0.1", "2001:db8::1"],
    dns: ["2001:db8::2"],
    mtu: 9000,
  })],
  "two-static": [nic(A, STATIC), nic(B, { addresses: ["192.168.7.5/16"], ...PLAIN, mtu: 9000 })],
  "two-dhcp": [nic(A, DHCP), nic(B, { ...DHCP, mtu: 1400 })],
  "dhcp-and-static": [nic(A, DHCP), nic(B, { addresses: ["192.168.7.5/16"], ...PLAIN })],
  "bond-static": [bond(STATIC)],
  "bond-dhcp": [bond({ ...DHCP, mode: "active-backup" })],
  "vlan-static": [nic(A), vlan(100, { parent: A, ...STATIC })],
  "vlan-dhcp": [nic(A, DHCP), vlan(100, { parent: A, ...DHCP })],
  "bond-and-vlans": [
    ...[bond({ addresses: [], ...PLAIN, mtu: 9000 }), nic(C, { addresses: ["192.168.7.5/16"], ...PLAIN })],
    ...[vlan(100, { parent: "bond0", ...STATIC }), vlan(200, { parent: "bond0", ...DHCP })],
  ],
};

/** Sorted, for comparison: the order does not matter. */
export const byKey = (interfaces: readonly NetworkInterface[]) =>
  [...interfaces].sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
