/** The clones' fixed addresses, which DHCP gives to their machines from the first boot on. */
import { type Ipv4, type MacAddress, parseIpv4, sameSubnet } from "../../boot/dhcp/address.ts";
import { type Ipv6, type Ipv6Prefix, isInPrefix, parseIpv6 } from "../../boot/dhcp6/address.ts";
import { type DhcpNetwork, type Reservations, subnetEnds } from "../../boot/dhcp/policy.ts";
import type { Nodes } from "../store/nodes.ts";

type Network = Pick<DhcpNetwork, "address" | "netmask" | "range">;

/**
 * A node whose clone has a fixed address in the server's network gets that address. A node without one ("dhcp", "off"),
 * or whose address cannot reach the server from there, gets one from the range like any other client.
 */
export function reservationsOf(nodes: Nodes, network: Network): Reservations {
  return {
    addressOf: (mac) => reservedAddress(nodes.byMac(mac)?.settings.address, network),
    isReserved: (address) => nodes.isAddressAssigned(address),
  };
}

/** The same by IPv6: the address of the network that the clone will have on the NIC that it boots over. */
export function reservations6Of(
  nodes: Nodes,
  prefix: Ipv6Prefix,
): (mac: MacAddress) => Ipv6 | undefined {
  return (mac) => {
    for (const one of nodes.byMac(mac)?.settings.interfaces ?? []) {
      const isThisNic = one.kind === "ethernet" && (one.mac === undefined || one.mac === mac);
      if (!isThisNic || one.addresses === "dhcp") continue;
      const address = one.addresses.filter((cidr) => cidr.includes(":"))
        .map((cidr) => parseIpv6(cidr.replace(/\/.*/, ""))).find((address) => isInPrefix(address, prefix));
      if (address !== undefined) return address;
    }
    return undefined;
  };
}

function reservedAddress(setting: string | undefined, network: Network): Ipv4 | undefined {
  const address = ipv4In(setting ?? "");
  if (address === undefined || !sameSubnet(address, { as: network.address, netmask: network.netmask })) {
    return undefined;
  }
  return [network.address, ...subnetEnds(network)].includes(address) ? undefined : address;
}

/** The address of `10.0.0.5/24`; undefined for every other kind of setting. */
function ipv4In(setting: string): Ipv4 | undefined {
  try {
    return parseIpv4(setting.replace(/\/.*/, ""));
  } catch {
    return undefined;
  }
}
