/**
 * SUSE's files in /etc/sysconfig/network, read by wicked: ifcfg(5), ifcfg-bonding(5), ifcfg-vlan(5), ifroute(5), and
 * netconfig(8) for name servers. They refer to NICs by name only, so link files name the NICs.
 */
import { bondMode } from "./ifcfg.ts";
import { nameFiles, type NicNaming } from "./link_file.ts";
import { prefixOfMask } from "./netmask.ts";
import {
  addressing,
  type ConfigFile,
  file,
  type FoundInterface,
  type FoundNetwork,
  type Interface,
  isIpv6,
  type Texts,
  wordsOf,
} from "./network_files.ts";
import { parseShellValues } from "./shell_values.ts";

const FOLDER = "/etc/sysconfig/network";
const SETTINGS = `${FOLDER}/config`, ROUTES = `${FOLDER}/routes`;

/** Files of one interface: ifcfg-eth0, ifroute-eth0. */
export const isWicked = (path: string) =>
  /^\/etc\/sysconfig\/network\/if(cfg|route)-(?!lo$)[^/]+$/.test(path) &&
  !/[~]$|\.(bak|orig|rpm\w+|template)$/.test(path);

export function writeWicked(
  interfaces: readonly Interface[],
  { texts, naming }: { texts: Texts; naming: NicNaming },
): ConfigFile[] {
  const names = nicNames(interfaces, texts);
  const nameOf = (one: string) => names.get(one) ?? one;
  const files = interfaces.flatMap((one): ConfigFile[] => {
    switch (one.kind) {
      case "ethernet":
        return interfaceFiles(nameOf(one.mac), { one, lines: zoneOf(nameOf(one.mac), texts) });
      case "bond":
        return [
          ...interfaceFiles(one.name, {
            one,
            lines: [
              "BONDING_MASTER='yes'",
              `BONDING_MODULE_OPTS='mode=${one.mode} miimon=100'`,
              ...one.members.map((mac, i) => `BONDING_SLAVE_${i}='${nameOf(mac)}'`),
            ],
          }),
          ...one.members.map((mac) =>
            file(`${FOLDER}/ifcfg-${nameOf(mac)}`, "STARTMODE='hotplug'\nBOOTPROTO='none'\n")
          ),
        ];
      case "vlan":
        return interfaceFiles(one.name, {
          one,
          lines: [`ETHERDEVICE='${nameOf(one.parent)}'`, `VLAN_ID='${one.id}'`],
        });
    }
  });
  return [
    ...files,
    ...sharedFiles(interfaces, texts),
    ...nameFiles(names, naming),
  ];
}

/**
 * Names by MAC, including members of bonds: the template's own as far as they go. With several NICs, names like eth1
 * are not reused: the kernel gives them out in an order of its own, and udev cannot swap them.
 */
function nicNames(interfaces: readonly Interface[], texts: Texts): ReadonlyMap<string, string> {
  const macs = interfaces.flatMap((i) =>
    i.kind === "ethernet" ? [i.mac] : i.kind === "bond" ? i.members : []
  );
  const taken = interfaces.flatMap((i) => i.kind === "ethernet" ? [] : [i.name]);
  const known = filesOf(texts).filter(({ values }) => kindOf(values) === "ethernet").map(({ name }) => name)
    .filter((name) => !taken.includes(name) && (macs.length === 1 || !/^eth\d+$/.test(name)));
  const spare = macs.map((_, i) => `lan${i}`).filter((name) => !known.includes(name));
  return new Map(macs.map((mac, i) => [mac, [...known, ...spare][i] ?? `lan${i}`]));
}

/** The firewall's zone for the interface, as the template has it. */
function zoneOf(name: string, texts: Texts): string[] {
  const zone = filesOf(texts).find((f) => f.name === name)?.values.get("ZONE");
  return zone === undefined || !/^[\w-]+$/.test(zone) ? [] : [`ZONE='${zone}'`];
}

function interfaceFiles(
  name: string,
  { one, lines }: { one: Interface; lines: readonly string[] },
): ConfigFile[] {
  const { addresses, gateways, mtu } = one;
  const own = addresses === "dhcp" ? ["BOOTPROTO='dhcp'"] : [
    "BOOTPROTO='static'",
    ...addresses.map((address, i) => `IPADDR${i === 0 ? "" : `_${i}`}='${address}'`),
  ];
  const all = ["STARTMODE='auto'", ...own, ...lines, ...(mtu === undefined ? [] : [`MTU='${mtu}'`])];
  const routes = addresses === "dhcp" ? [] : gateways.map((gateway) => `default ${gateway} - ${name}\n`);
  return [
    file(`${FOLDER}/ifcfg-${name}`, all.map((line) => `${line}\n`).join("")),
    ...(routes.length > 0 ? [file(`${FOLDER}/ifroute-${name}`, routes.join(""))] : []),
  ];
}

/** The template's name servers and default routes, which hold for all interfaces, give way to the clone's. */
function sharedFiles(interfaces: readonly Interface[], texts: Texts): ConfigFile[] {
  const servers = interfaces.flatMap(({ addresses, dns }) => addresses === "dhcp" ? [] : dns);
  const settings = texts.get(SETTINGS), routes = texts.get(ROUTES);
  const variable = "NETCONFIG_DNS_STATIC_SERVERS";
  const line = `${variable}="${[...new Set(servers)].join(" ")}"`;
  const pattern = new RegExp(`^[ \\t]*${variable}=.*$`, "m");
  return [
    ...(settings === undefined ? [] : [{
      path: SETTINGS,
      text: pattern.test(settings) ? settings.replace(pattern, line) : `${settings.trimEnd()}\n${line}\n`,
      mode: 0o644,
    }]),
    ...(routes === undefined ? [] : [{
      path: ROUTES,
      text: routes.replace(/^[ \t]*(default|0\.0\.0\.0\/0|::\/0)[ \t]/gm, "# template: $&"),
      mode: 0o644,
    }]),
  ];
}

type Values = ReadonlyMap<string, string>;

function filesOf(texts: Texts): { name: string; values: Values }[] {
  return [...texts].filter(([path]) => isWicked(path) && path.includes("/ifcfg-")).map(([path, text]) => ({
    name: path.slice(path.indexOf("ifcfg-") + 6),
    values: parseShellValues(text),
  }));
}

function kindOf(values: Values): "ethernet" | "bond" | "vlan" | "bridge" | "other" {
  if (values.get("BONDING_MASTER") === "yes") return "bond";
  if (values.has("ETHERDEVICE")) return "vlan";
  if (values.get("BRIDGE") === "yes") return "bridge";
  return values.has("TUNNEL") || values.has("TEAM_RUNNER") || values.has("WIRELESS") ? "other" : "ethernet";
}

export function readWicked(texts: Texts): FoundNetwork {
  const files = filesOf(texts), notes: string[] = [];
  const shared = wordsOf(parseShellValues(texts.get(SETTINGS) ?? "").get("NETCONFIG_DNS_STATIC_SERVERS"));
  const slaves = new Set(files.flatMap(({ values }) => slavesOf(values)));
  const parents = new Set(files.flatMap(({ values }) => values.get("ETHERDEVICE") ?? []));
  const interfaces = files.flatMap(({ name, values }): FoundInterface[] => {
    if (slaves.has(name)) return [];
    const own = addressingOf(values, { routes: routesOf(name, texts), shared });
    switch (kindOf(values)) {
      case "ethernet":
        return [{ kind: "ethernet", nic: { name }, ...own }];
      case "bond": {
        const [, mode] = /\bmode=(\S+)/.exec(values.get("BONDING_MODULE_OPTS") ?? "") ?? [];
        const members = slavesOf(values).map((slave) => ({ name: slave }));
        return [{ kind: "bond", name, members, mode: bondMode(mode), ...own }];
      }
      case "vlan": {
        const id = values.get("VLAN_ID") ?? /(\d+)$/.exec(name)?.[1];
        return [{
          kind: "vlan",
          name,
          id: Number(id),
          parent: { name: values.get("ETHERDEVICE") ?? "" },
          ...own,
        }];
      }
      case "bridge":
      case "other":
        notes.push(`${name} is neither a NIC nor a bond nor a VLAN`);
        return [];
    }
  });
  // the NIC of a VLAN needs no file of its own
  const named = new Set(files.map(({ name }) => name));
  const below = [...parents].filter((name) => !named.has(name)).map((name): FoundInterface => ({
    kind: "ethernet",
    nic: { name },
    ...addressing({}),
  }));
  return { interfaces: [...below, ...interfaces], notes };
}

function slavesOf(values: Values): string[] {
  return [...values].filter(([key]) => /^BONDING_SLAVE_?\d+$/.test(key)).map(([, name]) => name);
}

/** Gateways of the default routes: those of the interface, and those in the shared file that name it or none. */
function routesOf(name: string, texts: Texts): string[] {
  const lines = (path: string) => (texts.get(path) ?? "").split("\n").map((line) => wordsOf(line));
  const all = [...lines(`${FOLDER}/ifroute-${name}`), ...lines(ROUTES)];
  return all.flatMap(([destination = "", gateway, , on = "-"]) =>
    ["default", "0.0.0.0/0", "::/0"].includes(destination) && gateway !== undefined && gateway !== "-" &&
      ["-", name].includes(on)
      ? [gateway]
      : []
  );
}

function addressingOf(
  values: Values,
  { routes, shared }: { routes: readonly string[]; shared: readonly string[] },
) {
  const addresses = [...values].flatMap(([key, address]) => {
    const [, suffix] = /^IPADDR(_?\w*)$/.exec(key) ?? [];
    if (suffix === undefined || address === "") return [];
    if (address.includes("/")) return [address];
    const mask = values.get(`NETMASK${suffix}`) ?? "";
    const prefix = values.get(`PREFIXLEN${suffix}`) ?? prefixOfMask(mask) ?? (isIpv6(address) ? 64 : 24);
    return [`${address}/${prefix}`];
  });
  const gateways = addresses.length > 0
    ? routes.filter((g) => addresses.some((a) => isIpv6(a) === isIpv6(g)))
    : [];
  return addressing({
    dhcp: /^dhcp/i.test(values.get("BOOTPROTO") ?? ""),
    addresses,
    gateways,
    dns: gateways.length > 0 ? shared : [],
    mtu: values.get("MTU"),
  });
}
