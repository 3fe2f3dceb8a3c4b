/** systemd-networkd: systemd.network(5) and systemd.netdev(5). */
import { BondMode } from "#contract/identity.ts";
import { formatIni, parseIni, type Section, valueOf, valuesOf } from "./ini.ts";
import {
  addressing,
  type ConfigFile,
  file,
  type FoundInterface,
  type FoundNetwork,
  type Interface,
  labelOf,
  type NicRef,
  type Texts,
  vlansOn,
  wordsOf,
} from "./network_files.ts";

const FOLDER = "/etc/systemd/network";
/** Only the first file that matches an interface counts, in the order of names. */
const FIRST = `${FOLDER}/00-00-rackseed`;

export function writeNetworkd(interfaces: readonly Interface[]): ConfigFile[] {
  return interfaces.flatMap((one): ConfigFile[] => {
    const at = `${FIRST}-${labelOf(interfaces, one)}`;
    const network = (match: string[]) => file(`${at}.network`, networkText(one, { match, interfaces }));
    switch (one.kind) {
      case "ethernet":
        // VLANs have the MAC of their NIC, but another type
        return [network([`MACAddress=${one.mac}`, "Type=ether"])];
      case "bond":
        return [
          netdev(at, { kind: "bond", name: one.name }, ["Bond", [`Mode=${one.mode}`, "MIIMonitorSec=100ms"]]),
          network([`Name=${one.name}`]),
          ...one.members.map((mac, i) =>
            file(
              `${at}-${i}.network`,
              formatIni([
                // all NICs of a bond take the MAC of the first
                ["Match", [`PermanentMACAddress=${mac}`, "Type=ether"]],
                ["Network", [`Bond=${one.name}`]],
              ]),
            )
          ),
        ];
      case "vlan":
        return [
          netdev(at, { kind: "vlan", name: one.name }, ["VLAN", [`Id=${one.id}`]]),
          network([`Name=${one.name}`]),
        ];
    }
  });
}

function netdev(
  at: string,
  { kind, name }: { kind: string; name: string },
  more: readonly [string, readonly string[]],
): ConfigFile {
  return file(`${at}.netdev`, formatIni([["NetDev", [`Name=${name}`, `Kind=${kind}`]], more]));
}

function networkText(
  one: Interface,
  { match, interfaces }: { match: string[]; interfaces: readonly Interface[] },
): string {
  const { addresses, gateways, dns, mtu } = one;
  const lines = addresses === "dhcp" ? ["DHCP=yes"] : addresses.map((a) => `Address=${a}`);
  return formatIni([
    ["Match", match],
    ["Link", mtu === undefined ? [] : [`MTUBytes=${mtu}`]],
    ["Network", [
      // even without an address it must be brought up, for the interfaces on top of it
      ...(lines.length === 0 ? ["LinkLocalAddressing=no"] : lines),
      ...gateways.map((g) => `Gateway=${g}`),
      ...dns.map((d) => `DNS=${d}`),
      ...vlansOn(interfaces, one).map((vlan) => `VLAN=${vlan.name}`),
    ]],
  ]);
}

export function readNetworkd(texts: Texts): FoundNetwork {
  const files = [...texts].filter(([path]) => path.startsWith(`${FOLDER}/`)).sort(([a], [b]) =>
    a < b ? -1 : 1
  )
    .map(([path, text]) => ({ path, sections: parseIni(text) }));
  const netdevs = files.filter(({ path }) => path.endsWith(".netdev"));
  const networks = files.filter(({ path }) => path.endsWith(".network")).map(({ sections }) => sections);
  const notes: string[] = [];
  const made = netdevs.flatMap(({ sections }): FoundInterface[] => {
    const name = valueOf(sections, "NetDev", "Name") ?? "";
    const kind = valueOf(sections, "NetDev", "Kind");
    const own = networks.find((n) => wordsOf(valueOf(n, "Match", "Name")).includes(name));
    const holders = (key: string) => networks.filter((n) => valuesOf(n, "Network", key).includes(name));
    if (kind === "bond") {
      const members = holders("Bond").flatMap(nicsOf);
      const mode = BondMode.catch("balance-rr").parse(valueOf(sections, "Bond", "Mode"));
      return [{ kind, name, members, mode, ...addressingOf(own) }];
    }
    const [parent] = holders("VLAN").flatMap(nicsOf);
    if (kind === "vlan" && parent) {
      return [{ kind, name, id: Number(valueOf(sections, "VLAN", "Id")), parent, ...addressingOf(own) }];
    }
    notes.push(`${name} is of kind ${kind ?? "unknown"}`);
    return [];
  });
  const names = new Set(made.map((m) => "name" in m ? m.name : ""));
  const nics = networks.filter((n) => valueOf(n, "Network", "Bond") === undefined).flatMap((sections) => {
    if (routesOf(sections).some((route) => !route.isDefault)) notes.push("static routes");
    return nicsOf(sections).filter((nic) => !("name" in nic && names.has(nic.name)))
      .map((nic): FoundInterface => ({ kind: "ethernet", nic, ...addressingOf(sections) }));
  });
  return { interfaces: [...nics, ...made], notes };
}

/** A match by both name and MAC counts as one by MAC. */
function nicsOf(sections: readonly Section[]): NicRef[] {
  const macs = ["PermanentMACAddress", "MACAddress"].flatMap((key) =>
    wordsOf(valueOf(sections, "Match", key))
  );
  if (macs.length > 0) return macs.map((mac) => ({ mac: mac.toLowerCase() }));
  const names = ["Name", "OriginalName"].flatMap((key) => wordsOf(valueOf(sections, "Match", key)));
  if (names.length > 0) return names.map((name) => ({ name }));
  return valueOf(sections, "Match", "Type") === "ether" ? [{ name: "*" }] : [];
}

function addressingOf(sections: readonly Section[] = []) {
  const network = (key: string) => valuesOf(sections, "Network", key);
  return addressing({
    dhcp: /^(yes|true|1|on|both|v4|ipv4)$/.test(network("DHCP").at(-1) ?? ""),
    addresses: [...network("Address"), ...valuesOf(sections, "Address", "Address")],
    gateways: [
      ...network("Gateway"),
      ...routesOf(sections).flatMap(({ isDefault, gateway }) => isDefault ? [gateway] : []),
    ].filter((g) => !g.startsWith("_")),
    dns: network("DNS").flatMap(wordsOf),
    mtu: valueOf(sections, "Link", "MTUBytes"),
  });
}

function routesOf(sections: readonly Section[]): { isDefault: boolean; gateway: string }[] {
  return sections.filter((section) => section.name === "Route").map((section) => {
    const value = (key: string) => valueOf([section], "Route", key);
    return {
      isDefault: ["0.0.0.0/0", "::/0", undefined].includes(value("Destination")) &&
        value("Gateway") !== undefined,
      gateway: value("Gateway") ?? "",
    };
  });
}
