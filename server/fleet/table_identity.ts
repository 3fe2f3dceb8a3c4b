/**
 * A node's settings ↔ its identity. The settings hold the first interface in short form (address, gateway, dns), and
 * under `interfaces` whatever does not fit there. Pure.
 */
import type { NodeSettings } from "#contract/api.ts";
import { Identity, type NetworkInterface } from "#contract/identity.ts";
import { RackseedError } from "#contract/errors.ts";
import { hostnameOf } from "../store/claims.ts";
import type { NodeRecord } from "../store/node_record.ts";

type Named = Pick<NodeRecord, "name" | "settings">;

/**
 * Throws RackseedError (400) if the settings contradict each other.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { settingsWith, tableIdentity } from "./table_identity.ts";
 *
 * const settings = { mac: "52:54:00:00:00:01", address: "10.0.0.5/24", gateway: "10.0.0.1" };
 * const identity = tableIdentity({ name: "n1", settings });
 * assert.deepEqual(identity.interfaces[0]?.addresses, ["10.0.0.5/24"]);
 * assert.deepEqual(settingsWith({ mac: settings.mac }, identity), { ...settings, hostname: "n1" });
 * ```
 */
export function tableIdentity(node: Named): Identity {
  const { mac, address, gateway, dns = [], interfaces = [] } = node.settings;
  const first = interfaces.find((i) => isFirst(i, mac));
  const more = first === undefined || first.addresses === "dhcp" ? [] : first.addresses;
  const own = address === "off"
    ? []
    : address === undefined
    ? undefined
    : address === "dhcp"
    ? address
    : [address];
  const whole: NetworkInterface = {
    ...first ?? { kind: "ethernet", ...(mac !== undefined && { mac }) },
    addresses: own === "dhcp" || own === undefined && more.length === 0 ? "dhcp" : [...own ?? [], ...more],
    gateways: [...gateway ? [gateway] : [], ...first?.gateways ?? []],
    dns: [...dns, ...first?.dns ?? []],
  };
  const identity = Identity.safeParse({
    hostname: hostnameOf(node),
    interfaces: [whole, ...interfaces.filter((i) => i !== first)],
  });
  if (identity.success) return identity.data;
  const [issue] = identity.error.issues;
  throw new RackseedError(`cannot give ${node.name} these interfaces`, {
    reason: `${issue?.message ?? "they contradict each other"}.`,
    remedy: "see `rackseed node set --help` for how interfaces are written.",
    status: 400,
  });
}

/** The settings with this identity: the reverse of `tableIdentity`. */
export function settingsWith(
  settings: NodeSettings,
  { hostname, interfaces }: Pick<Identity, "hostname" | "interfaces">,
): NodeSettings {
  const { mac, address: _, gateway: __, dns: ___, interfaces: ____, ...rest } = settings;
  const first = interfaces.find((i) => isFirst(i, mac)) ?? interfaces[0];
  const lists = { gateways: [...first?.gateways ?? []], dns: [...first?.dns ?? []] };
  const isIpv4 = (text: string) => !text.includes(":");
  const addresses = first === undefined || first.addresses === "dhcp" ? [] : first.addresses;
  const address = first === undefined || first.addresses === "dhcp"
    ? "dhcp"
    : addresses.find(isIpv4) ?? "off";
  const gateway = lists.gateways.find(isIpv4);
  const dns = lists.dns.filter(isIpv4).slice(0, 3);
  const left = first && {
    ...first,
    addresses: addresses.filter((a) => a !== address),
    gateways: lists.gateways.filter((g) => g !== gateway),
    dns: lists.dns.filter((d) => !dns.includes(d)),
  };
  const isShort = left === undefined ||
    isFirst(left, mac) && left.kind === "ethernet" && left.mtu === undefined &&
      left.addresses.length + left.gateways.length + left.dns.length === 0;
  const others = [...isShort ? [] : [left], ...interfaces.filter((i) => i !== first)];
  return {
    ...rest,
    ...(mac !== undefined && { mac }),
    hostname,
    address,
    ...(gateway !== undefined && { gateway }),
    ...(dns.length > 0 && { dns }),
    ...(others.length > 0 && { interfaces: others }),
  };
}

/** Whether it is the interface that the machine boots over, or the bond that contains it. */
function isFirst(one: NetworkInterface, mac: string | undefined): boolean {
  if (mac === undefined) return one.kind === "ethernet" && one.mac === undefined;
  return one.kind === "bond" ? one.members.includes(mac) : one.kind === "ethernet" && one.mac === mac;
}
