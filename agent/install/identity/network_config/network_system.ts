/** Detects which of the six kinds of network configuration a tree uses, and writes and reads each. */
import { isIfcfg, readIfcfg, writeIfcfg } from "./ifcfg.ts";
import { readIfupdown, writeIfupdown } from "./ifupdown.ts";
import { readKeyfiles, writeKeyfiles } from "./keyfile.ts";
import { isNetplan, readNetplan, writeNetplan } from "./netplan.ts";
import type { ConfigFile, FoundNetwork, Interface, Texts } from "./network_files.ts";
import type { NicNaming } from "./link_file.ts";
import { readNetworkd, writeNetworkd } from "./networkd.ts";
import { isWicked, readWicked, writeWicked } from "./wicked.ts";

export type NetworkSystem =
  | "netplan"
  | "NetworkManager"
  | "systemd-networkd"
  | "ifcfg"
  | "wicked"
  | "ifupdown";

/** In a folder of NetworkManager's version. */
export const IFCFG_PLUGIN = "libnm-settings-plugin-ifcfg-rh.so";

/** Undefined if the tree uses none of them. */
export function detectNetwork(
  { texts, paths }: { readonly texts: Texts; readonly paths: ReadonlySet<string> },
): NetworkSystem | undefined {
  const names = [...texts.keys()];
  const enabled = (unit: string) =>
    paths.has(`/etc/systemd/system/multi-user.target.wants/${unit}`) ||
    paths.has(`/etc/systemd/system/network-online.target.wants/${unit}`);
  if (names.some(isNetplan)) return "netplan";
  if (enabled("wicked.service") || names.some(isWicked) && !enabled("NetworkManager.service")) {
    return "wicked";
  }
  // NetworkManager reads both if it has the plugin, as up to RHEL 9; a tree with files of one kind uses that kind
  const keyfiles = names.some((path) => path.startsWith("/etc/NetworkManager/system-connections/"));
  const readsIfcfg = !enabled("NetworkManager.service") ||
    [...paths].some((path) => path.endsWith(IFCFG_PLUGIN));
  if (names.some(isIfcfg) && readsIfcfg && !keyfiles) return "ifcfg";
  if (enabled("NetworkManager.service")) return "NetworkManager";
  if (enabled("systemd-networkd.service")) return "systemd-networkd";
  return texts.has("/etc/network/interfaces") ? "ifupdown" : keyfiles ? "NetworkManager" : undefined;
}

/** `texts`: the template's files. `uuid`: returns a fresh one each time. */
export function writeNetwork(
  system: NetworkSystem,
  { interfaces, texts, naming, uuid }: {
    interfaces: readonly Interface[];
    texts: Texts;
    naming: NicNaming;
    uuid: () => string;
  },
): ConfigFile[] {
  switch (system) {
    case "netplan":
      return writeNetplan(interfaces, texts);
    case "NetworkManager":
      return writeKeyfiles(interfaces, { uuid });
    case "systemd-networkd":
      return writeNetworkd(interfaces);
    case "ifcfg":
      return writeIfcfg(interfaces);
    case "wicked":
      return writeWicked(interfaces, { texts, naming });
    case "ifupdown":
      return writeIfupdown(interfaces, { texts, naming });
  }
}

export function readNetwork(system: NetworkSystem, texts: Texts): FoundNetwork {
  switch (system) {
    case "netplan":
      return readNetplan(texts);
    case "NetworkManager":
      return readKeyfiles(texts);
    case "systemd-networkd":
      return readNetworkd(texts);
    case "ifcfg":
      return readIfcfg(texts);
    case "wicked":
      return readWicked(texts);
    case "ifupdown":
      return readIfupdown(texts);
  }
}
