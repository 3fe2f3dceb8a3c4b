/**
 * Writes the clone's interfaces in the configuration format of the image. The template's static addresses are disabled
 * on every NIC, since two machines with one address harm the whole network.
 */
import type { IdentityTree } from "./identity_tree.ts";
import { isIfcfg } from "./network_config/ifcfg.ts";
import { parseIni, valueOf, valuesOf } from "./network_config/ini.ts";
import { nicNaming } from "./network_config/link_file.ts";
import { isNetplan } from "./network_config/netplan.ts";
import type { ConfigFile, Interface } from "./network_config/network_files.ts";
import { isWicked } from "./network_config/wicked.ts";
import { type NetworkSystem, writeNetwork } from "./network_config/network_system.ts";

export type NetworkChange =
  | { readonly do: "write" } & ConfigFile
  /** Moved below ASIDE, where an administrator can look it up. */
  | { readonly do: "set-aside"; readonly path: string };

/** Captures exclude /var/lib/rackseed. */
export const ASIDE = "/var/lib/rackseed/template";

export function networkChanges(
  interfaces: readonly Interface[],
  { system, tree, kernelNames, uuid }: {
    system: NetworkSystem | undefined;
    tree: IdentityTree;
    kernelNames: ReadonlyMap<string, string>;
    uuid: () => string;
  },
): NetworkChange[] {
  const { texts, paths } = tree, naming = nicNaming(paths, kernelNames);
  const files = system === undefined ? [] : writeNetwork(system, { interfaces, texts, naming, uuid });
  const resolver = resolverFile(interfaces);
  const isPlain = !tree.symlinks.has("/etc/resolv.conf") && !MAKES_RESOLVER.includes(system ?? "ifupdown");
  if (resolver && isPlain) files.push(resolver);
  return [
    ...setAside(tree, system).map((path): NetworkChange => ({ do: "set-aside", path })),
    ...files.map((file): NetworkChange => ({ do: "write", ...file })),
  ];
}

/** Systems that write /etc/resolv.conf themselves. */
const MAKES_RESOLVER: readonly NetworkSystem[] = ["NetworkManager", "ifcfg", "wicked"];

/** resolv.conf(5): name servers after the third are ignored. */
function resolverFile(interfaces: readonly Interface[]): ConfigFile | undefined {
  const servers = interfaces.flatMap(({ addresses, dns }) => addresses === "dhcp" ? [] : dns);
  const text = [...new Set(servers)].slice(0, 3).map((server) => `nameserver ${server}\n`).join("");
  return text === "" ? undefined : { path: "/etc/resolv.conf", text, mode: 0o644 };
}

/**
 * Every file of the template that assigns an address or makes a bond or VLAN, and those of an earlier installation.
 * Plus all of netplan's, since they are merged, and all of ifcfg's and wicked's, since a second file for a NIC would
 * also count.
 */
function setAside({ texts }: IdentityTree, system: NetworkSystem | undefined): string[] {
  return [...texts].flatMap(([path, text]) => isOfTemplate(path, { text, system }) ? [path] : []);
}

function isOfTemplate(
  path: string,
  { text, system }: { text: string; system: NetworkSystem | undefined },
): boolean {
  const ours = /\/(00-00-|ifcfg-)?rackseed[^/]*$/.test(path);
  if (isNetplan(path)) return true;
  if (isWicked(path)) {
    return system === "wicked" || path.includes("/ifroute-") ||
      /^[ \t]*(IPADDR\w*|BONDING_MASTER|ETHERDEVICE)[ \t]*=/m.test(text);
  }
  if (isIfcfg(path)) {
    return ours || system === "ifcfg" ||
      /^[ \t]*(IPADDR\d*|IPV6ADDR|BONDING_OPTS|VLAN|SLAVE|MASTER)[ \t]*=/m.test(text);
  }
  if (path.startsWith("/etc/systemd/network/")) {
    const sections = parseIni(text);
    return ours || /^(bond|vlan)$/.test(valueOf(sections, "NetDev", "Kind") ?? "") ||
      [["Network", "Address"], ["Address", "Address"], ["Network", "Bond"], ["Network", "VLAN"]]
        .some(([section = "", key = ""]) => valuesOf(sections, section, key).length > 0);
  }
  return path.startsWith("/etc/NetworkManager/system-connections/") &&
    (ours || /^[ \t]*(address\d*|addresses|master|controller)[ \t]*=/m.test(text) ||
      /^[ \t]*type[ \t]*=[ \t]*(bond|vlan)[ \t]*$/m.test(text));
}
