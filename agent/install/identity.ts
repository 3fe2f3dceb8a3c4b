/**
 * What makes the clone itself and not its template: host name, interfaces, machine-id, SSH host keys, random
 * seeds. Pure: from the identity and what lies in the clone's tree to changes of files; `apply_identity.ts`
 * carries them out. Nothing of the template is lost: network configuration that must not stay in force is moved
 * to ASIDE.
 */
import type { Identity } from "#contract/identity.ts";
import { type NetworkChange, networkChanges } from "./identity_network.ts";
import type { Interface } from "./network_config/network_files.ts";
import { detectNetwork } from "./network_config/network_system.ts";

export type FileChange =
  | { readonly do: "write"; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly do: "remove"; readonly path: string }
  | NetworkChange;

/** What the tree holds that identity depends on. Paths are absolute inside the tree. */
export interface IdentityTree {
  /** Texts of the configuration files that `tree_facts.ts` names. */
  readonly texts: ReadonlyMap<string, string>;
  /** Further paths that exist: enabled units, programs, symbolic links among the files. */
  readonly paths: ReadonlySet<string>;
  readonly symlinks: ReadonlySet<string>;
}

export interface IdentityOptions {
  readonly tree: IdentityTree;
  /** Host name of the template. */
  readonly templateHostname: string;
  /** The card that the machine was started over. */
  readonly bootMac: string;
  /** Fresh: 32 hexadecimal digits, machine-id(5); for who brings none. */
  readonly machineId: string;
  /** Fresh each time; for NetworkManager's profiles. */
  readonly uuid: () => string;
}

export function identityChanges(identity: Identity, options: IdentityOptions): FileChange[] {
  const { tree, templateHostname, bootMac, uuid } = options;
  const { hostname, interfaces, hostKeys = [] } = identity;
  const changes: FileChange[] = [
    write("/etc/hostname", `${hostname}\n`),
    write(
      "/etc/hosts",
      hostsFile(tree.texts.get("/etc/hosts") ?? DEFAULT_HOSTS, { hostname, templateHostname }),
    ),
  ];
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    // a link points to the other one
    if (tree.symlinks.has(path)) continue;
    const text = `${identity.machineId ?? options.machineId}\n`;
    if (tree.texts.has(path) || path === "/etc/machine-id") changes.push(write(path, text, 0o444));
  }
  if (tree.paths.has("/etc/cloud/cloud.cfg.d")) {
    changes.push(write("/etc/cloud/cloud.cfg.d/99-rackseed.cfg", cloudInit(hostname)));
  }
  const system = detectNetwork(tree);
  changes.push(...networkChanges(namedByMac(interfaces, bootMac), { system, tree, uuid }));
  const keys = hostKeys.flatMap(({ name, privateKey, publicKey }) => [
    write(`/etc/ssh/${name}`, privateKey, 0o600),
    write(`/etc/ssh/${name}.pub`, publicKey),
  ]);
  const kept = new Set(keys.map((change) => change.path));
  for (const path of tree.paths) {
    if (isSecretOfOne(path) && !kept.has(path)) changes.push({ do: "remove", path });
  }
  return [...changes, ...keys];
}

function write(path: string, text: string, mode = 0o644) {
  return { do: "write" as const, path, text, mode };
}

export function namedByMac(interfaces: Identity["interfaces"], bootMac: string): Interface[] {
  return interfaces.map((one) =>
    one.kind === "ethernet" ? { ...one, mac: (one.mac ?? bootMac).toLowerCase() } : one
  );
}

/**
 * cloud-init finds everything as it is and leaves it so. It would otherwise take a clone for a new instance, and
 * set its name, network and host keys anew (cloud-init's modules "Set Hostname", "SSH", "Update Etc Hosts").
 */
function cloudInit(hostname: string): string {
  const [short] = hostname.split(".");
  return "network: {config: disabled}\npreserve_hostname: true\nmanage_etc_hosts: false\n" +
    `ssh_deletekeys: false\nhostname: ${short}\nfqdn: ${hostname}\n`;
}

const DEFAULT_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

/**
 * hosts(5). On loopback lines the template's name gives way to the clone's; other lines are of other machines,
 * the template among them, and stay.
 */
export function hostsFile(
  text: string,
  { hostname, templateHostname }: { hostname: string; templateHostname: string },
): string {
  const short = (name: string) => name.split(".")[0] ?? name;
  const own = [...new Set([hostname, short(hostname)])];
  const isTemplate = (name: string) =>
    name === templateHostname || name === short(templateHostname) ||
    name.startsWith(`${short(templateHostname)}.`);
  let placed = false;
  const lines = text.replace(/\n$/, "").split("\n").flatMap((line) => {
    const [body = ""] = line.split("#");
    const [address = "", ...names] = body.trim().split(/\s+/);
    const loopback = /^127\./.test(address) || address === "::1";
    if (!loopback || !names.some((n) => isTemplate(n) || own.includes(n))) return [line];
    const others = names.filter((n) => !isTemplate(n) && !own.includes(n));
    if (!placed || address === "::1") {
      placed ||= address !== "::1";
      // localhost stays the first, hence canonical, name of 127.0.0.1
      const ordered = others.includes("localhost") ? [...others, ...own] : [...own, ...others];
      return [`${address}\t${ordered.join(" ")}`];
    }
    return others.length > 0 ? [`${address}\t${others.join(" ")}`] : [];
  });
  if (!placed) {
    const at = lines.findIndex((line) => /^127\.0\.0\.1\s/.test(line));
    lines.splice(at + 1, 0, `127.0.1.1\t${own.join(" ")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Seeds, leases and host keys: two machines with the same are one too many. */
export function isSecretOfOne(path: string): boolean {
  return /^\/etc\/ssh\/ssh_host_.*_key(-cert)?(\.pub)?$/.test(path) ||
    /^\/var\/lib\/(dhcp|dhclient)\/.*\.leases?$/.test(path) ||
    /^\/var\/lib\/NetworkManager\/(secret_key|.*\.lease)$/.test(path) ||
    path === "/var/lib/systemd/random-seed" || path === "/var/lib/systemd/credential.secret";
}
