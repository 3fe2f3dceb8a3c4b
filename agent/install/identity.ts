/**
 * What makes the clone itself and not its template: host name, addresses, machine-id, random seeds. Pure: from
 * the order and what lies in the clone's tree to changes of files; `apply_identity.ts` carries them out.
 * Nothing of the template is lost: network configuration that must not stay in force is moved to ASIDE.
 */
import type { Order } from "#contract/api.ts";
import { detectNetwork, type NetworkChange, networkChanges } from "./identity_network.ts";

export type Identity = Order["identity"];

export type FileChange =
  | { readonly do: "write"; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly do: "remove"; readonly path: string }
  | NetworkChange;

/** What the tree holds that identity depends on. Paths are absolute inside the tree. */
export interface IdentityTree {
  /** Texts of the configuration files that `IDENTITY_FILES` matches. */
  readonly texts: ReadonlyMap<string, string>;
  /** Further paths that exist: enabled units, programs, symbolic links among the files. */
  readonly paths: ReadonlySet<string>;
  readonly symlinks: ReadonlySet<string>;
}

export interface IdentityOptions {
  readonly tree: IdentityTree;
  /** Host name of the template. */
  readonly templateHostname: string;
  /** The NIC that the machine was installed over, where the order names none. */
  readonly bootMac: string;
  /** Fresh: 32 hexadecimal digits, machine-id(5). */
  readonly machineId: string;
  /** Fresh; for NetworkManager's profile. */
  readonly connectionUuid: string;
}

export function identityChanges(identity: Identity, options: IdentityOptions): FileChange[] {
  const { tree, machineId } = options;
  const changes: FileChange[] = [
    { do: "write", path: "/etc/hostname", text: `${identity.hostname}\n`, mode: 0o644 },
    {
      do: "write",
      path: "/etc/hosts",
      text: hostsFile(tree.texts.get("/etc/hosts") ?? DEFAULT_HOSTS, {
        hostname: identity.hostname,
        templateHostname: options.templateHostname,
      }),
      mode: 0o644,
    },
  ];
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    // a link points to the other one
    if (tree.texts.has(path) && !tree.symlinks.has(path)) {
      changes.push({ do: "write", path, text: `${machineId}\n`, mode: 0o444 });
    }
  }
  if (tree.paths.has("/etc/cloud/cloud.cfg.d")) {
    const text = "network: {config: disabled}\npreserve_hostname: true\n";
    changes.push({ do: "write", path: "/etc/cloud/cloud.cfg.d/99-rackseed.cfg", text, mode: 0o644 });
  }
  const mac = (identity.mac ?? options.bootMac).toLowerCase();
  const { connectionUuid } = options;
  changes.push(
    ...networkChanges({ ...identity, mac }, { system: detectNetwork(tree), tree, connectionUuid }),
  );
  for (const path of tree.paths) if (isSecretOfOne(path)) changes.push({ do: "remove", path });
  return changes;
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
