/**
 * Decides which files of a clone change to give it an identity: host name, interfaces, machine-id, SSH host keys. Pure:
 * from the identity and the clone's tree to file changes. `apply_identity.ts` makes the changes, together with those of
 * own_files/. Network configuration that must not stay active is moved to ASIDE, so that nothing is lost.
 */
import type { IdentityTree } from "./identity_tree.ts";
import type { HostKey, Identity } from "#contract/identity.ts";
import { type NetworkChange, networkChanges } from "./identity_network.ts";
import type { Interface } from "./network_config/network_files.ts";
import type { NamedNic } from "./network_config/resolve_nics.ts";
import { detectNetwork } from "./network_config/network_system.ts";
import { fullName, isNameOf, RENAMED_FILES, renamedText, shortName } from "./renaming.ts";

export type FileChange =
  | { readonly do: "write"; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly do: "remove"; readonly path: string }
  | NetworkChange;

interface IdentityOptions {
  readonly tree: IdentityTree;
  /** Host name of the template. */
  readonly templateHostname: string;
  /** MAC of the NIC that the machine booted from. */
  readonly bootMac: string;
  /** This machine's, for systems that do not rename NICs, and for InfiniBand. The kernel's name comes first. */
  readonly nics?: readonly NamedNic[];
  /** A fresh one, used if the identity has none: 32 hexadecimal digits, machine-id(5). */
  readonly machineId: string;
  /** The image is the node's own backup: its machine-id and host keys stay if the identity has none. */
  readonly isBackup?: boolean;
  /** Returns a fresh UUID for a NetworkManager profile. */
  readonly uuid: () => string;
}

export function identityChanges(identity: Identity, options: IdentityOptions): FileChange[] {
  const { tree, bootMac, nics = [], uuid } = options;
  const kernelNames = new Map(nics.map(({ mac, names }) => [mac, names[0] ?? ""]));
  const system = detectNetwork(tree);
  return [
    ...nameChanges(identity.hostname, options),
    ...machineIdChanges(identity.machineId, options),
    ...(tree.paths.has("/etc/cloud/cloud.cfg.d")
      ? [write("/etc/cloud/cloud.cfg.d/99-rackseed.cfg", cloudInit(identity.hostname))]
      : []),
    ...networkChanges(namedByMac(identity.interfaces, { bootMac, nics }), {
      system,
      tree,
      kernelNames,
      uuid,
    }),
    ...hostKeyChanges(identity.hostKeys ?? [], options),
  ];
}

function nameChanges(hostname: string, { tree, templateHostname }: IdentityOptions): FileChange[] {
  const hosts = tree.texts.get("/etc/hosts") ?? DEFAULT_HOSTS;
  return [
    write("/etc/hostname", `${hostname}\n`),
    write("/etc/hosts", hostsFile(hosts, { hostname, templateHostname })),
    ...RENAMED_FILES.flatMap((path) => {
      const before = tree.texts.get(path);
      if (before === undefined || tree.symlinks.has(path)) return [];
      const text = renamedText(path, { text: before, hostname, templateHostname });
      return text === undefined ? [] : [write(path, text, tree.modes?.get(path))];
    }),
  ];
}

function machineIdChanges(
  kept: string | undefined,
  { tree, machineId, isBackup }: IdentityOptions,
): FileChange[] {
  if (isBackup && kept === undefined) return [];
  return ["/etc/machine-id", "/var/lib/dbus/machine-id"].flatMap((path) => {
    // a link points to the other one
    if (tree.symlinks.has(path)) return [];
    const exists = tree.texts.has(path) || path === "/etc/machine-id";
    return exists ? [write(path, `${kept ?? machineId}\n`, tree.modes?.get(path) ?? 0o444)] : [];
  });
}

function hostKeyChanges(hostKeys: readonly HostKey[], { tree, isBackup }: IdentityOptions): FileChange[] {
  if (isBackup && hostKeys.length === 0) return [];
  const keys = hostKeys.flatMap(({ name, privateKey, publicKey }) => [
    write(`/etc/ssh/${name}`, privateKey, 0o600),
    write(`/etc/ssh/${name}.pub`, publicKey),
  ]);
  const kept = new Set(keys.map((change) => change.path));
  const others = [...tree.paths].filter((path) => isHostKey(path) && !kept.has(path));
  return [...others.map((path) => ({ do: "remove" as const, path })), ...keys];
}

function write(path: string, text: string, mode = 0o644) {
  return { do: "write" as const, path, text, mode };
}

export function namedByMac(
  interfaces: Identity["interfaces"],
  { bootMac, nics }: { bootMac: string; nics: readonly NamedNic[] },
): Interface[] {
  return interfaces.map((one) => {
    if (one.kind !== "ethernet") return one;
    const mac = (one.mac ?? bootMac).toLowerCase();
    const infiniband = nics.find((nic) => nic.mac === mac)?.infiniband;
    return { ...one, mac, ...(infiniband && { infiniband }) };
  });
}

/**
 * Makes cloud-init leave everything as it is. Otherwise it would take a clone for a new instance and reset its name,
 * network and host keys (cloud-init's modules "Set Hostname", "SSH", "Update Etc Hosts").
 */
function cloudInit(hostname: string): string {
  const [short] = hostname.split(".");
  return "network: {config: disabled}\npreserve_hostname: true\nmanage_etc_hosts: false\n" +
    `ssh_deletekeys: false\nhostname: ${short}\nfqdn: ${hostname}\n`;
}

const DEFAULT_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

/**
 * hosts(5). Replaces the template's name by the clone's on loopback lines, with the template's domain if the clone's
 * name has none: `127.0.1.1 web.example.com web` becomes `127.0.1.1 n1.example.com n1`. Other lines describe other
 * machines, including the template, and stay.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const text = hostsFile("127.0.0.1 localhost\n127.0.1.1 web.example.com web\n", {
 *   hostname: "n1",
 *   templateHostname: "web",
 * });
 * assert.equal(text, "127.0.0.1 localhost\n127.0.1.1\tn1.example.com n1\n");
 * ```
 */
export function hostsFile(text: string, names: { hostname: string; templateHostname: string }): string {
  const { hostname, templateHostname } = names;
  const full = fullName(text, names);
  const isOwn = (name: string) => isNameOf(name, hostname) || isNameOf(name, templateHostname);
  /** The first name of a line is the canonical one. */
  const ownFor = (line: readonly string[]) => {
    const withDomain = hostname.includes(".") || line.some((name) => isOwn(name) && name.includes("."));
    const own = [...new Set(withDomain ? [full, shortName(full)] : [shortName(full)])];
    const first = line.find(isOwn) ?? "";
    return line.some((name) => isOwn(name) && name.includes(".")) && !first.includes(".")
      ? own.toReversed()
      : own;
  };
  let placed = false;
  const lines = text.replace(/\n$/, "").split("\n").flatMap((line) => {
    const [body = ""] = line.split("#");
    const [address = "", ...all] = body.trim().split(/\s+/);
    const loopback = /^127\./.test(address) || address === "::1";
    if (!loopback || !all.some(isOwn)) return [line];
    const others = all.filter((name) => !isOwn(name));
    if (!placed || address === "::1") {
      placed ||= address !== "::1";
      const own = ownFor(all);
      // localhost stays the first, hence canonical, name of 127.0.0.1
      const ordered = others.includes("localhost") ? [...others, ...own] : [...own, ...others];
      return [`${address}\t${ordered.join(" ")}`];
    }
    return others.length > 0 ? [`${address}\t${others.join(" ")}`] : [];
  });
  if (!placed) {
    const at = lines.findIndex((line) => /^127\.0\.0\.1\s/.test(line));
    lines.splice(at + 1, 0, `127.0.1.1\t${[...new Set([full, shortName(full)])].join(" ")}`);
  }
  return `${lines.join("\n")}\n`;
}

function isHostKey(path: string): boolean {
  return /^\/etc\/ssh\/ssh_host_.*_key(-cert)?(\.pub)?$/.test(path);
}
