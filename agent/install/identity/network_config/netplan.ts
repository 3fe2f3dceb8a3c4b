/** Netplan: its YAML reference, netplan(5). */
import { parse } from "yaml";
import { BondMode } from "#contract/identity.ts";
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
} from "./network_files.ts";

export const isNetplan = (path: string) => /^\/etc\/netplan\/[^/]+\.ya?ml$/.test(path);

/** Keeps the renderer that the template chose. */
export function writeNetplan(interfaces: readonly Interface[], texts: Texts): ConfigFile[] {
  const renderer = [...texts].filter(([path]) => isNetplan(path)).map(([, text]) =>
    /^[ \t]*renderer:[ \t]*(networkd|NetworkManager)[ \t]*$/m.exec(text)?.[1]
  ).find((r) => r !== undefined);
  // NICs too get an id, by which other entries of the file refer to them
  const ids = new Map(interfaces.flatMap((one): [string, string][] => {
    const label = labelOf(interfaces, one);
    if (one.kind === "bond") {
      return [[one.name, label], ...one.members.map((m, i): [string, string] => [m, `${label}-${i}`])];
    }
    return [[one.kind === "ethernet" ? one.mac : one.name, label]];
  }));
  const id = (key: string) => ids.get(key) ?? key;
  const nic = (mac: string, lines: readonly string[] = []) =>
    entry(id(mac), [`match: {macaddress: "${mac}"}`, ...lines]);
  const groups: [string, string[]][] = [
    [
      "ethernets",
      interfaces.flatMap((one) =>
        one.kind === "ethernet"
          ? [nic(one.mac, ipOf(one))]
          : one.kind === "bond"
          ? one.members.map((mac) => nic(mac, ["dhcp4: false"]))
          : []
      ),
    ],
    [
      "bonds",
      interfaces.flatMap((one) =>
        one.kind !== "bond" ? [] : [entry(one.name, [
          `interfaces: [${one.members.map(id).join(", ")}]`,
          `parameters: {mode: "${one.mode}", mii-monitor-interval: 100}`,
          ...ipOf(one),
        ])]
      ),
    ],
    [
      "vlans",
      interfaces.flatMap((one) =>
        one.kind !== "vlan"
          ? []
          : [entry(one.name, [`id: ${one.id}`, `link: ${id(one.parent)}`, ...ipOf(one)])]
      ),
    ],
  ];
  const body = groups.filter(([, entries]) => entries.length > 0)
    .map(([name, entries]) => `  ${name}:\n${entries.join("")}`).join("");
  const head = `network:\n  version: 2\n${renderer ? `  renderer: ${renderer}\n` : ""}`;
  return [file("/etc/netplan/99-rackseed.yaml", `${head}${body}`, 0o600)];
}

function entry(id: string, lines: readonly string[]): string {
  return `    ${id}:\n${lines.map((line) => `      ${line}\n`).join("")}`;
}

function ipOf({ addresses, gateways, dns, mtu }: Interface): string[] {
  const list = (words: readonly string[]) => `[${words.map((w) => `"${w}"`).join(", ")}]`;
  const size = mtu === undefined ? [] : [`mtu: ${mtu}`];
  const servers = dns.length > 0 ? [`nameservers: {addresses: ${list(dns)}}`] : [];
  if (addresses === "dhcp") return ["dhcp4: true", ...servers, ...size];
  const routes = gateways.map((g) => `{to: ${g.includes(":") ? '"::/0"' : "default"}, via: "${g}"}`);
  return [
    "dhcp4: false",
    ...(addresses.length > 0 ? [`addresses: ${list(addresses)}`] : []),
    ...(routes.length > 0 ? [`routes: [${routes.join(", ")}]`] : []),
    ...servers,
    ...size,
  ];
}

type Tree = Readonly<Record<string, unknown>>;

/** Limit for all files together: parsing hostile YAML takes quadratic time (`&a &a &a …`). */
const MAX_LENGTH = 32 * 1024;

/** Later files extend earlier ones, entry by entry. */
export function readNetplan(texts: Texts): FoundNetwork {
  const notes: string[] = [];
  let lengthLeft = MAX_LENGTH;
  const groups: Record<"ethernets" | "bonds" | "vlans", Record<string, Tree>> = {
    ethernets: {},
    bonds: {},
    vlans: {},
  };
  for (const [path, text] of [...texts].filter(([p]) => isNetplan(p)).sort(([a], [b]) => a < b ? -1 : 1)) {
    lengthLeft -= text.length;
    if (lengthLeft < 0) {
      notes.push(`${path} is too long to be read`);
      continue;
    }
    let network: Tree;
    try {
      network = treeOf(treeOf(parse(text, { logLevel: "error", prettyErrors: false })).network);
    } catch {
      notes.push(`${path} cannot be read`);
      continue;
    }
    for (const [group, entries] of Object.entries(network)) {
      if (!Object.hasOwn(groups, group)) {
        if (Object.keys(treeOf(entries)).length > 0) notes.push(`${group} of ${path}`);
        continue;
      }
      const known = groups[group as keyof typeof groups];
      for (const [id, value] of Object.entries(treeOf(entries))) {
        known[id] = { ...known[id], ...treeOf(value) };
      }
    }
  }
  const nic = (id: string): NicRef => {
    const match = treeOf(treeOf(groups.ethernets[id]).match);
    if (typeof match.macaddress === "string") return { mac: match.macaddress.toLowerCase() };
    return { name: typeof match.name === "string" ? match.name : id };
  };
  const bonded = new Set(Object.values(groups.bonds).flatMap((bond) => textsOf(bond.interfaces)));
  const interfaces: FoundInterface[] = [
    ...Object.entries(groups.ethernets).filter(([id]) => !bonded.has(id)).map((
      [id, entry],
    ): FoundInterface => ({
      kind: "ethernet",
      nic: nic(id),
      ...addressingOf(entry),
    })),
    ...Object.entries(groups.bonds).map(([name, entry]): FoundInterface => ({
      kind: "bond",
      name,
      members: textsOf(entry.interfaces).map(nic),
      ...addressingOf(entry),
      mode: BondMode.catch("balance-rr").parse(treeOf(entry.parameters).mode),
    })),
    ...Object.entries(groups.vlans).map(([name, entry]): FoundInterface => {
      const link = String(entry.link);
      const parent = Object.hasOwn(groups.bonds, link) ? { name: link } : nic(link);
      return { kind: "vlan", name, id: Number(entry.id), parent, ...addressingOf(entry) };
    }),
  ];
  return { interfaces, notes };
}

function treeOf(value: unknown): Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Tree : {};
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v) => typeof v === "string") : [];
}

function addressingOf(entry: Tree) {
  const routes = (Array.isArray(entry.routes) ? entry.routes : []).map(treeOf);
  const isDefault = ({ to }: Tree) => to === "default" || to === "0.0.0.0/0" || to === "::/0";
  const addresses = (Array.isArray(entry.addresses) ? entry.addresses : [])
    // an address may be a mapping with options
    .flatMap((a) => typeof a === "string" ? [a] : Object.keys(treeOf(a)));
  return addressing({
    dhcp: entry.dhcp4 === true,
    addresses,
    gateways: [
      ...routes.filter(isDefault).map(({ via }) => via),
      ...[entry.gateway4, entry.gateway6],
    ].filter((g) => typeof g === "string"),
    dns: textsOf(treeOf(entry.nameservers).addresses),
    mtu: typeof entry.mtu === "number" ? String(entry.mtu) : undefined,
  });
}
