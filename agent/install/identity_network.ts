/**
 * The clone's address in the words of what the image uses: netplan, NetworkManager, systemd-networkd or
 * ifupdown. The NIC is named by its MAC, and the template's own static addresses are put out of force on every
 * NIC, since two machines with one address harm the whole network.
 */
import type { Identity, IdentityTree } from "./identity.ts";
import { clearInterfaces, interfaceNames } from "./interfaces_file.ts";

export type NetworkSystem = "netplan" | "NetworkManager" | "systemd-networkd" | "ifupdown";

export type NetworkChange =
  | { readonly do: "write"; readonly path: string; readonly text: string; readonly mode: number }
  /** Moved below ASIDE, where it is kept for people. */
  | { readonly do: "set-aside"; readonly path: string };

/** Captures leave /var/lib/rackseed out. */
export const ASIDE = "/var/lib/rackseed/template";

type Address = Identity & { readonly mac: string };

/** Undefined where the image has none of them: then it has no configuration that could be written. */
export function detectNetwork({ texts, paths }: IdentityTree): NetworkSystem | undefined {
  const enabled = (unit: string) =>
    paths.has(`/etc/systemd/system/multi-user.target.wants/${unit}`) ||
    paths.has(`/etc/systemd/system/network-online.target.wants/${unit}`);
  if ([...texts.keys()].some(isNetplan)) return "netplan";
  if (enabled("NetworkManager.service")) return "NetworkManager";
  if (enabled("systemd-networkd.service")) return "systemd-networkd";
  return texts.has("/etc/network/interfaces") ? "ifupdown" : undefined;
}

export function networkChanges(
  address: Address,
  { system, tree, connectionUuid }: {
    system: NetworkSystem | undefined;
    tree: IdentityTree;
    connectionUuid: string;
  },
): NetworkChange[] {
  const changes: NetworkChange[] = [...setAside(tree)];
  switch (system) {
    case "netplan":
      changes.push(write("/etc/netplan/99-rackseed.yaml", netplan(address, tree), 0o600));
      break;
    case "NetworkManager":
      changes.push(write(
        "/etc/NetworkManager/system-connections/rackseed.nmconnection",
        keyfile(address, connectionUuid),
        0o600,
      ));
      break;
    case "systemd-networkd":
      // the first file that matches a NIC is the one that counts, in the order of names
      changes.push(write("/etc/systemd/network/00-00-rackseed.network", networkFile(address)));
      break;
    case "ifupdown":
      changes.push(...ifupdown(address, tree));
      break;
    case undefined:
      break;
  }
  const plainResolver = !tree.symlinks.has("/etc/resolv.conf");
  if (address.address !== "dhcp" && address.dns.length > 0 && plainResolver && system !== "NetworkManager") {
    changes.push(write("/etc/resolv.conf", address.dns.map((d) => `nameserver ${d}\n`).join("")));
  }
  return changes;
}

function write(path: string, text: string, mode = 0o644): NetworkChange {
  return { do: "write", path, text, mode };
}

const isNetplan = (path: string) => /^\/etc\/netplan\/[^/]+\.yaml$/.test(path);

/** Every file of the template that gives a NIC a static address; netplan's files are merged, so all of them. */
function setAside({ texts }: IdentityTree): NetworkChange[] {
  const isStatic = (path: string, text: string) =>
    isNetplan(path) ||
    /^\/etc\/systemd\/network\/[^/]+\.network$/.test(path) && /^\s*Address\s*=/m.test(text) ||
    /^\/etc\/NetworkManager\/system-connections\//.test(path) &&
      /^\s*(address\d*|addresses)\s*=/m.test(text) ||
    /^\/etc\/sysconfig\/network-scripts\/ifcfg-(?!lo$)/.test(path) && /^\s*IPADDR\d*\s*=/m.test(text);
  return [...texts].flatMap(([path, text]): NetworkChange[] =>
    isStatic(path, text) ? [{ do: "set-aside", path }] : []
  );
}

const HEAD = "# Written by Rackseed when this machine was installed.\n";

/** systemd.network(5) */
function networkFile({ mac, address, gateway, dns }: Address): string {
  const lines = address === "dhcp" ? ["DHCP=yes"] : [
    `Address=${address}`,
    ...gateway ? [`Gateway=${gateway}`] : [],
    ...dns.map((d) => `DNS=${d}`),
  ];
  return `${HEAD}[Match]\nMACAddress=${mac}\n\n[Network]\n${lines.join("\n")}\n`;
}

/** nm-settings-keyfile(5) */
function keyfile({ mac, address, gateway, dns }: Address, uuid: string): string {
  const ipv4 = address === "dhcp" ? ["method=auto"] : [
    "method=manual",
    `address1=${address}${gateway ? `,${gateway}` : ""}`,
    ...dns.length > 0 ? [`dns=${dns.map((d) => `${d};`).join("")}`] : [],
  ];
  return `${HEAD}[connection]\nid=rackseed\nuuid=${uuid}\ntype=ethernet\nautoconnect-priority=100\n\n` +
    `[ethernet]\nmac-address=${mac.toUpperCase()}\n\n[ipv4]\n${ipv4.join("\n")}\n\n[ipv6]\nmethod=auto\n`;
}

/** netplan(5); keeps the renderer that the template chose. */
function netplan({ mac, address, gateway, dns }: Address, { texts }: IdentityTree): string {
  const renderer = [...texts].filter(([path]) => isNetplan(path)).map(([, text]) =>
    /^\s*renderer:\s*(networkd|NetworkManager)\s*$/m.exec(text)?.[1]
  ).find((r) => r !== undefined);
  const lines = address === "dhcp" ? ["dhcp4: true"] : [
    "dhcp4: false",
    `addresses: ["${address}"]`,
    ...gateway ? [`routes: [{to: default, via: "${gateway}"}]`] : [],
    ...dns.length > 0 ? [`nameservers: {addresses: [${dns.map((d) => `"${d}"`).join(", ")}]}`] : [],
  ];
  return `${HEAD}network:\n  version: 2\n${renderer ? `  renderer: ${renderer}\n` : ""}` +
    `  ethernets:\n    rackseed0:\n      match: {macaddress: "${mac}"}\n` +
    lines.map((line) => `      ${line}\n`).join("");
}

/**
 * interfaces(5) knows NICs by name only, so a link file gives the clone's NIC the name that the template's
 * configuration (and perhaps its firewall) uses.
 */
function ifupdown({ mac, address, gateway, dns }: Address, { texts }: IdentityTree): NetworkChange[] {
  const files = [...texts].filter(([path]) =>
    path === "/etc/network/interfaces" || path.startsWith("/etc/network/interfaces.d/")
  );
  const name = files.flatMap(([, text]) => interfaceNames(text))[0] ?? "lan0";
  const changes = files.map(([path, text]) => write(path, clearInterfaces(text, name)));
  const lines = address === "dhcp" ? [`iface ${name} inet dhcp`] : [
    `iface ${name} inet static`,
    `    address ${address}`,
    ...gateway ? [`    gateway ${gateway}`] : [],
    ...dns.length > 0 ? [`    dns-nameservers ${dns.join(" ")}`] : [],
  ];
  const stanza = `${HEAD}auto ${name}\n${lines.join("\n")}\n`;
  const main = changes.findIndex((c) => c.path === "/etc/network/interfaces");
  const text = clearInterfaces(texts.get("/etc/network/interfaces") ?? "", name);
  changes.splice(main, 1, write("/etc/network/interfaces", `${text}\n${stanza}`));
  changes.push(write(
    "/etc/systemd/network/00-00-rackseed.link",
    `${HEAD}[Match]\nMACAddress=${mac}\n\n[Link]\nName=${name}\n`,
  ));
  return changes;
}
