/**
 * Further interfaces of a node as people write them. ADDRESS is dhcp, none, or addresses with prefixes, joined by "+".
 * A bond that contains the boot NIC takes the node's --address and needs none.
 *
 *     52:54:00:00:00:02=10.1.0.11/24                      a second NIC
 *     bond0=52:54:00:00:00:01+52:54:00:00:00:02,802.3ad   a bond
 *     bond1=MAC+MAC,active-backup=10.1.0.11/24
 *     bond0.100=10.2.0.11/24                              VLAN 100 on a bond, or on a NIC: MAC.100
 */
import { BondMode, Mac, NetworkInterface } from "#contract/identity.ts";
import { checked, UsageError } from "./usage.ts";

const DEFAULT_MODE: BondMode = "802.3ad";

/**
 * Throws UsageError.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const bond = parseInterface("bond0=52:54:00:00:00:01+52:54:00:00:00:02,active-backup=dhcp");
 * assert.equal(bond.kind, "bond");
 * assert.equal(bond.addresses, "dhcp");
 * ```
 */
export function parseInterface(text: string): NetworkInterface {
  const [head = "", ...values] = text.split("=");
  const value = (fields: object) =>
    checked(NetworkInterface, { name: `interface ${text}:`, value: { gateways: [], dns: [], ...fields } });
  const mac = Mac.safeParse(head).data;
  if (mac !== undefined && values.length === 1) {
    return value({ kind: "ethernet", mac, addresses: addressesOf(values[0]) });
  }
  const [, parent, id] = /^(.+)\.(\d{1,4})$/.exec(head) ?? [];
  if (parent !== undefined && values.length === 1) {
    const on = Mac.safeParse(parent).data ?? parent;
    // a name that contains a MAC would be too long
    const name = on === parent && !parent.includes(":") ? head : `vlan${Number(id)}`;
    return value({ kind: "vlan", name, id: Number(id), parent: on, addresses: addressesOf(values[0]) });
  }
  if (values.length >= 1 && values.length <= 2) {
    const [members = "", mode = DEFAULT_MODE] = (values[0] ?? "").split(",");
    return value({
      kind: "bond",
      name: head,
      members: members.split("+"),
      mode,
      addresses: addressesOf(values[1]),
    });
  }
  throw new UsageError(
    `interface ${text}: expected MAC=ADDRESS, NAME=MAC+MAC[,MODE][=ADDRESS] or PARENT.VLAN=ADDRESS.`,
  );
}

export function formatInterface(one: NetworkInterface): string {
  const addresses = one.addresses === "dhcp" ? "dhcp" : one.addresses.join("+") || "none";
  switch (one.kind) {
    case "ethernet":
      return `${one.mac ?? "boot NIC"}=${addresses}`;
    case "bond":
      return `${one.name}=${one.members.join("+")},${one.mode}=${addresses}`;
    case "vlan":
      return `${one.parent}.${one.id}=${addresses}`;
  }
}

function addressesOf(text = "none"): NetworkInterface["addresses"] {
  return text === "dhcp" ? text : text === "none" ? [] : text.split("+");
}
