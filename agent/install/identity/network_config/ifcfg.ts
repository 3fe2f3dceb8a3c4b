/** RHEL's files in /etc/sysconfig/network-scripts: nm-settings-ifcfg-rh(5), and sysconfig.txt of initscripts. */
import { macOfAddress } from "#contract/hardware_address.ts";
import { BondMode } from "#contract/identity.ts";
import { prefixOfMask } from "./netmask.ts";
import {
  addressing,
  type ConfigFile,
  file,
  type FoundInterface,
  type FoundNetwork,
  type Interface,
  isIpv4,
  isIpv6,
  labelOf,
  type NicRef,
  type Texts,
  vlansOn,
  wordsOf,
} from "./network_files.ts";
import { linkFile } from "./link_file.ts";
import { parseShellValues } from "./shell_values.ts";

const FOLDER = "/etc/sysconfig/network-scripts";

export function writeIfcfg(interfaces: readonly Interface[]): ConfigFile[] {
  const labels = new Map(
    interfaces.map((one) => [one.kind === "ethernet" ? one.mac : one.name, labelOf(interfaces, one)]),
  );
  return interfaces.flatMap((one): ConfigFile[] => {
    const label = labelOf(interfaces, one);
    switch (one.kind) {
      case "ethernet": {
        // a VLAN refers to its NIC by name, so the NIC must have a known one
        const named = vlansOn(interfaces, one).length > 0;
        return [
          ifcfg(label, [
            ...(one.infiniband === undefined
              ? ["TYPE=Ethernet", `HWADDR=${one.mac.toUpperCase()}`]
              : ["TYPE=InfiniBand", `HWADDR=${one.infiniband.toUpperCase()}`, "CONNECTED_MODE=no"]),
            ...(named ? [`DEVICE=${label}`] : []),
            ...ipOf(one),
          ]),
          ...(named ? [linkFile(label, one.mac)] : []),
        ];
      }
      case "bond":
        return [
          ifcfg(label, [
            ...[`DEVICE=${label}`, "TYPE=Bond", "BONDING_MASTER=yes"],
            `BONDING_OPTS="mode=${one.mode} miimon=100"`,
            ...ipOf(one),
          ]),
          ...one.members.map((mac, i) =>
            ifcfg(`${label}-${i}`, [
              `HWADDR=${mac.toUpperCase()}`,
              "TYPE=Ethernet",
              `MASTER=${label}`,
              "SLAVE=yes",
            ])
          ),
        ];
      case "vlan":
        return [
          ifcfg(label, [
            ...[`DEVICE=${label}`, "TYPE=Vlan", "VLAN=yes", `VLAN_ID=${one.id}`],
            `PHYSDEV=${labels.get(one.parent)}`,
            ...ipOf(one),
          ]),
        ];
    }
  });
}

function ifcfg(label: string, lines: readonly string[]): ConfigFile {
  const all = [`NAME=rackseed-${label}`, ...lines, "ONBOOT=yes"];
  return file(`${FOLDER}/ifcfg-${label}`, all.map((line) => `${line}\n`).join(""));
}

function ipOf({ addresses, gateways, dns, mtu }: Interface): string[] {
  const common = [
    ...dns.map((d, i) => `DNS${i + 1}=${d}`),
    ...(mtu === undefined ? [] : [`MTU=${mtu}`]),
  ];
  if (addresses === "dhcp") return ["BOOTPROTO=dhcp", ...common];
  const v4 = addresses.filter(isIpv4), [first, ...others] = addresses.filter(isIpv6);
  const gateway = gateways.find(isIpv4), gateway6 = gateways.find(isIpv6);
  return [
    "BOOTPROTO=none",
    ...v4.flatMap((address, i) => {
      const [ip, prefix] = address.split("/");
      const n = i === 0 ? "" : i;
      return [`IPADDR${n}=${ip}`, `PREFIX${n}=${prefix}`];
    }),
    ...(gateway ? [`GATEWAY=${gateway}`] : []),
    ...(first ? ["IPV6INIT=yes", "IPV6_AUTOCONF=no", `IPV6ADDR=${first}`] : []),
    ...(others.length > 0 ? [`IPV6ADDR_SECONDARIES="${others.join(" ")}"`] : []),
    ...(gateway6 ? [`IPV6_DEFAULTGW=${gateway6}`] : []),
    ...common,
  ];
}

export function readIfcfg(texts: Texts): FoundNetwork {
  const files = [...texts].filter(([path]) => isIfcfg(path)).map(([path, text]) => {
    const values = parseShellValues(text);
    const mac = values.get("HWADDR");
    const name = values.get("DEVICE") ?? path.slice(path.indexOf("ifcfg-") + 6);
    const nic: NicRef = mac ? { mac: macOfAddress(mac) ?? mac.toLowerCase() } : { name };
    return { name, values, nic };
  });
  const notes: string[] = [];
  const interfaces = files.flatMap(({ name, values, nic }): FoundInterface[] => {
    if (values.get("SLAVE") === "yes" || values.has("MASTER")) return [];
    const own = addressingOf(values);
    const type = values.get("TYPE")?.toLowerCase() ?? "ethernet";
    if (type === "bond" || values.has("BONDING_OPTS")) {
      const members = files.filter((f) => f.values.get("MASTER") === name).map((f) => f.nic);
      const [, mode] = /\bmode=(\S+)/.exec(values.get("BONDING_OPTS") ?? "") ?? [];
      return [{ kind: "bond", name, members, mode: bondMode(mode), ...own }];
    }
    if (values.get("VLAN") === "yes" || type === "vlan") {
      const [, parent, id] = /^(.+)\.(\d+)$/.exec(name) ?? [];
      const on = values.get("PHYSDEV") ?? parent ?? "";
      const below = files.find((f) => f.name === on);
      return [{
        kind: "vlan",
        name,
        id: Number(values.get("VLAN_ID") ?? id),
        ...own,
        parent: below && "mac" in below.nic ? below.nic : { name: on },
      }];
    }
    if (type === "ethernet" || type === "infiniband") return [{ kind: "ethernet", nic, ...own }];
    notes.push(`${name} is of kind ${type}`);
    return [];
  });
  return { interfaces, notes };
}

export const isIfcfg = (path: string) =>
  /\/network-scripts\/ifcfg-(?!lo$)[^/]+$/.test(path) && !/[~]$|\.(bak|orig|rpm\w+)$/.test(path);

/** bonding.rst: a mode is given by name or number. */
export function bondMode(text: string | undefined): BondMode {
  const byNumber = BondMode.options[/^\d$/.test(text ?? "") ? Number(text) : -1];
  return byNumber ?? BondMode.catch("balance-rr").parse(text);
}

function addressingOf(values: ReadonlyMap<string, string>) {
  const numbered = (name: string) => ["", ...Array(16).keys()].map((n) => values.get(`${name}${n}`));
  const masks = numbered("NETMASK"), prefixes = numbered("PREFIX");
  const v4 = numbered("IPADDR").flatMap((ip, i) =>
    ip ? [`${ip}/${prefixes[i] ?? prefixOfMask(masks[i] ?? "") ?? 24}`] : []
  );
  const v6 = [...wordsOf(values.get("IPV6ADDR")), ...wordsOf(values.get("IPV6ADDR_SECONDARIES"))];
  return addressing({
    dhcp: /^(dhcp|bootp)$/i.test(values.get("BOOTPROTO") ?? ""),
    addresses: [...v4, ...v6.map((a) => a.includes("/") ? a : `${a}/64`)],
    gateways: [...numbered("GATEWAY"), values.get("IPV6_DEFAULTGW")?.replace(/%.*/, "")].filter((g) =>
      !!g
    ) as string[],
    dns: numbered("DNS").filter((d) => !!d) as string[],
    mtu: values.get("MTU"),
  });
}
