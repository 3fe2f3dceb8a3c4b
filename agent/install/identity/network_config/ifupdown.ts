/**
 * ifupdown: interfaces(5). It refers to NICs by name only, so each NIC of the clone gets the name that the template's
 * configuration (and perhaps its firewall) uses, where the system can rename NICs.
 */
import { clearInterfaces, type Stanza, stanzasOf } from "../interfaces_file.ts";
import { bondMode } from "./ifcfg.ts";
import { prefixOfMask } from "./netmask.ts";
import { nameFiles, type NicNaming } from "./link_file.ts";
import {
  addressing,
  type ConfigFile,
  type FoundInterface,
  type FoundNetwork,
  HEAD,
  type Interface,
  isIpv4,
  isIpv6,
  type Texts,
  wordsOf,
} from "./network_files.ts";

const MAIN = "/etc/network/interfaces";
const isInterfaces = (path: string) => path === MAIN || path.startsWith(`${MAIN}.d/`);

/** The template's files with their static addresses disabled, and the clone's interfaces appended. */
export function writeIfupdown(
  interfaces: readonly Interface[],
  { texts, naming }: { texts: Texts; naming: NicNaming },
): ConfigFile[] {
  const files = [...texts].filter(([path]) => isInterfaces(path));
  const byTemplate = nicNames(interfaces, files.map(([, text]) => text));
  const names = naming.by !== "kernel" ? byTemplate : new Map(
    [...byTemplate].map(([mac, name]) => [mac, naming.kernelNames.get(mac) ?? name]),
  );
  const own = [...names.values(), ...interfaces.flatMap((i) => i.kind === "ethernet" ? [] : [i.name])];
  const cleared = files.map(([path, text]): ConfigFile => ({
    path,
    text: clearInterfaces(text, own),
    mode: 0o644,
  }));
  const stanzas = interfaces.map((one) => stanza(one, names)).join("\n");
  const main = cleared.find((f) => f.path === MAIN)?.text ?? "";
  return [
    { path: MAIN, text: `${main}\n${HEAD}${stanzas}`, mode: 0o644 },
    ...cleared.filter((f) => f.path !== MAIN),
    ...nameFiles(names, naming),
  ];
}

/** Names by MAC, including members of bonds: the template's own names as far as they go. */
function nicNames(interfaces: readonly Interface[], texts: readonly string[]): ReadonlyMap<string, string> {
  const macs = interfaces.flatMap((i) =>
    i.kind === "ethernet" ? [i.mac] : i.kind === "bond" ? i.members : []
  );
  const taken = interfaces.flatMap((i) => i.kind === "ethernet" ? [] : [i.name]);
  const known = new Set(texts.flatMap(stanzasOf).filter(isOfNic).map((s) => s.words[0] ?? ""));
  const free = [...known].filter((name) => !taken.includes(name));
  const spare = macs.map((_, i) => `lan${i}`).filter((name) => !known.has(name));
  return new Map(macs.map((mac, i) => [mac, [...free, ...spare][i] ?? `lan${i}`]));
}

function isOfNic({ keyword, words, lines }: Stanza): boolean {
  const [name = ""] = words;
  return keyword === "iface" && name !== "lo" && /^[a-z]\w*$/i.test(name) &&
    !lines.some((line) => /^\s*(bond[-_](?!master)|slaves\s|bridge|vlan)/.test(line));
}

function stanza(one: Interface, names: ReadonlyMap<string, string>): string {
  const name = one.kind === "ethernet" ? names.get(one.mac) : one.name;
  const link = one.kind === "bond"
    ? [
      `bond-slaves ${one.members.map((m) => names.get(m)).join(" ")}`,
      `bond-mode ${one.mode}`,
      "bond-miimon 100",
    ]
    : one.kind === "vlan"
    ? [`vlan-raw-device ${names.get(one.parent) ?? one.parent}`, `vlan-id ${one.id}`]
    : [];
  const { addresses, gateways, dns, mtu } = one;
  const servers = dns.length > 0 ? [`dns-nameservers ${dns.join(" ")}`] : [];
  const text = (family: "inet" | "inet6", method: string, lines: readonly string[]) =>
    [`iface ${name} ${family} ${method}`, ...lines.map((line) => `    ${line}`)].join("\n");
  const size = mtu === undefined ? [] : [`mtu ${mtu}`];
  if (addresses === "dhcp") {
    // the DHCP method has no "mtu" option
    const up = size.map((line) => `pre-up ip link set dev $IFACE ${line}`);
    return `auto ${name}\n${text("inet", "dhcp", [...link, ...up, ...servers])}\n`;
  }
  const v4 = addresses.filter(isIpv4), v6 = addresses.filter(isIpv6);
  const gateway = (isOfKind: (a: string) => boolean) => gateways.filter(isOfKind).map((g) => `gateway ${g}`);
  // each further address of an interface is a stanza of its own; the link's options are in the first
  const stanzas = [
    ...(v4.length > 0 || v6.length === 0
      ? v4.length > 0
        ? v4.map((address, i) =>
          text("inet", "static", [
            `address ${address}`,
            ...(i === 0 ? [...gateway(isIpv4), ...servers, ...link, ...size] : []),
          ])
        )
        : [text("inet", "manual", [...servers, ...link, ...size])]
      : []),
    ...v6.map((address, i) =>
      text("inet6", "static", [
        `address ${address}`,
        ...(i === 0 ? gateway(isIpv6) : []),
        ...(i === 0 && v4.length === 0 ? [...servers, ...link, ...size] : []),
      ])
    ),
  ];
  return `auto ${name}\n${stanzas.join("\n")}\n`;
}

export function readIfupdown(texts: Texts): FoundNetwork {
  const all = [...texts].filter(([path]) => isInterfaces(path)).sort(([a], [b]) => a < b ? -1 : 1)
    .flatMap(([, text]) => stanzasOf(text)).filter((s) => s.keyword === "iface" && s.words[0] !== "lo");
  const notes: string[] = [];
  const byName = new Map<string, Stanza[]>(), slaves = new Map<string, string[]>();
  for (const stanza of all) {
    const [nic = ""] = stanza.words;
    addTo(byName, { key: nic.replace(/:.*/, ""), value: stanza });
    for (const master of optionOf(stanza, "bond-master")) addTo(slaves, { key: master, value: nic });
  }
  const interfaces = [...byName].flatMap(([name, stanzas]): FoundInterface[] => {
    const one = interfaceOf(name, { stanzas, slaves: slaves.get(name) ?? [] });
    if (one === "bridge") notes.push(`${name} is a bridge`);
    return one === undefined || one === "bridge" ? [] : [one];
  });
  const raw = interfaces.flatMap((i) => i.kind === "vlan" && "name" in i.parent ? [i.parent.name] : [])
    .filter((name) => !byName.has(name));
  // the NIC of a VLAN needs no stanza of its own
  const below = [...new Set(raw)].map((name): FoundInterface => ({
    kind: "ethernet",
    nic: { name },
    ...addressing({}),
  }));
  if (all.some((s) => s.lines.some((l) => /^\s*(post-)?up\s+(ip\s+route|route\s)/.test(l)))) {
    notes.push("static routes");
  }
  return { interfaces: [...below, ...interfaces], notes };
}

/** Undefined for a slave of a bond. `slaves`: the names of those that refer to it as their bond. */
function interfaceOf(
  name: string,
  { stanzas, slaves }: { stanzas: readonly Stanza[]; slaves: readonly string[] },
): FoundInterface | "bridge" | undefined {
  const option = (...keys: string[]) => stanzas.flatMap((s) => keys.flatMap((key) => optionOf(s, key)));
  if (option("bond-master").length > 0) return undefined;
  const own = addressingOf(stanzas, option);
  if (option("bond-slaves", "slaves", "bond-mode").length > 0) {
    const members = [...option("bond-slaves", "slaves"), ...slaves].filter((member) => member !== "none");
    const mode = bondMode(option("bond-mode")[0]);
    return { kind: "bond", name, members: members.map((member) => ({ name: member })), mode, ...own };
  }
  const [, dotted, dottedId] = /^(.+)\.(\d+)$/.exec(name) ?? [];
  const [, plainId] = /^vlan0*(\d+)$/.exec(name) ?? [];
  const parent = option("vlan-raw-device")[0] ?? dotted;
  const id = option("vlan-id")[0] ?? dottedId ?? plainId;
  if (parent !== undefined && id !== undefined) {
    return { kind: "vlan", name, id: Number(id), parent: { name: parent }, ...own };
  }
  if (option("bridge_ports", "bridge-ports").length > 0) return "bridge";
  return { kind: "ethernet", nic: { name }, ...own };
}

function addTo<T>(map: Map<string, T[]>, { key, value }: { key: string; value: T }): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}

/** The words of an option; `-` and `_` in its name are equivalent. */
function optionOf({ lines }: Stanza, key: string): string[] {
  return lines.slice(1).flatMap((line) => {
    const [first = "", ...words] = wordsOf(line.replace(/^\s*#.*/, ""));
    return first.replaceAll("_", "-") === key.replaceAll("_", "-") ? words : [];
  });
}

function addressingOf(stanzas: readonly Stanza[], option: (...keys: string[]) => string[]) {
  const addresses = stanzas.filter((s) => s.words[2] === "static").flatMap((s) => {
    const [address] = optionOf(s, "address"), [mask] = optionOf(s, "netmask");
    if (address === undefined) return [];
    if (address.includes("/")) return [address];
    const prefix = s.words[1] === "inet6" || /^\d+$/.test(mask ?? "")
      ? mask ?? "64"
      : prefixOfMask(mask ?? "") ?? 24;
    return [`${address}/${prefix}`];
  });
  const [, up] = /mtu (\d+)/.exec(option("pre-up").join(" ")) ?? [];
  return addressing({
    dhcp: stanzas.some((s) => s.words[1] === "inet" && s.words[2] === "dhcp"),
    addresses,
    gateways: option("gateway"),
    dns: option("dns-nameservers", "dns-nameserver"),
    mtu: option("mtu")[0] ?? up,
  });
}
