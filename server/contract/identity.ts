/**
 * What makes a node itself: host name, network interfaces, machine-id, SSH host keys, and the further files of
 * own_files/table.ts. A clone gets its identity in one of three ways: `keep` takes it from the old disk, `assign` from
 * the server's table, `ask` from a person at the console.
 */
import { z } from "zod";

/** Below the root, without "." and "..": "/srv", "/var/lib/mysql/". */
export const AbsolutePath = z.string().max(1000).regex(/^(\/(?!\.{1,2}(\/|$))[^/\0]+)+\/?$/, {
  error: "a path is absolute and below the root, for instance /srv or /var/lib/mysql",
});

/** RFC 1123 host name, one label or several. */
export const Hostname = z.string().max(253).regex(
  /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/,
  { error: "a host name is made of labels of letters, digits and inner hyphens" },
);
export const Mac = z.string().regex(/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/, {
  error: "a MAC address has the form 52:54:00:12:34:56",
}).toLowerCase();
export const Ipv4Address = z.ipv4();
export const Cidr = z.cidrv4({ error: "an address with its prefix has the form 10.0.0.5/24" });
const IpAddress = z.union([z.ipv4(), z.ipv6()], { error: "an IP address has the form 10.0.0.1" });
const IpCidr = z.union([z.cidrv4(), z.cidrv6()], {
  error: "an address with its prefix has the form 10.0.0.5/24",
});

export const IdentityMode = z.enum(["keep", "assign", "ask"]);
export type IdentityMode = z.infer<typeof IdentityMode>;

/** How long a person at the console has: up to a day. */
export const AskSeconds = z.int().min(1).max(86_400);
export const DEFAULT_ASK_SECONDS = 300;

/** At most 15 bytes (IFNAMSIZ in linux/if.h). */
const LinkName = z.string().regex(/^[a-zA-Z0-9][\w.-]{0,14}$/, {
  error: "an interface is named by 1 to 15 letters, digits, . _ -",
});
/** The kernel's names: bonding.rst, "mode". */
const BOND_MODES = [
  "balance-rr",
  "active-backup",
  "balance-xor",
  "broadcast",
  "802.3ad",
  "balance-tlb",
  "balance-alb",
] as const;
export const BondMode = z.enum(BOND_MODES);
export type BondMode = z.infer<typeof BondMode>;

const addressing = {
  /** "dhcp", or its addresses; empty if it has none itself. */
  addresses: z.union([z.literal("dhcp"), z.array(IpCidr).max(16)]),
  /** At most one of each address family. */
  gateways: z.array(IpAddress).max(2).default([]),
  dns: z.array(IpAddress).max(8).default([]),
  mtu: z.int().min(576).max(65_535).optional(),
};

/** 0 and 4095 are reserved (IEEE 802.1Q-2018 table 9-2). */
export const VlanId = z.int().min(1).max(4094);

export const NetworkInterface = z.discriminatedUnion("kind", [
  /** A NIC on its own; without `mac` the one that the machine booted from. */
  z.object({ kind: z.literal("ethernet"), mac: Mac.optional(), ...addressing }),
  z.object({
    kind: z.literal("bond"),
    name: LinkName,
    members: z.array(Mac).min(1).max(8),
    mode: BondMode,
    ...addressing,
  }),
  /** `parent`: the MAC of a NIC or the name of a bond that is in the list too. */
  z.object({
    kind: z.literal("vlan"),
    name: LinkName,
    id: VlanId,
    parent: z.union([Mac, LinkName]),
    ...addressing,
  }),
]);
export type NetworkInterface = z.infer<typeof NetworkInterface>;
export type Addressing = Pick<NetworkInterface, "addresses" | "gateways" | "dns" | "mtu">;

export const NetworkInterfaces = z.array(NetworkInterface).max(64).superRefine((interfaces, context) => {
  const message = contradiction(interfaces);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

export const MachineId = z.string().regex(/^[0-9a-f]{32}$/);

/** Secret: only a node and its server exchange it; it is never shown or logged. */
export const HostKey = z.object({
  /** The file's name in /etc/ssh: "ssh_host_ed25519_key". */
  name: z.string().regex(/^ssh_host_[a-z0-9_]{1,32}_key$/),
  privateKey: z.string().max(32_768),
  publicKey: z.string().max(16_384),
});
export type HostKey = z.infer<typeof HostKey>;

/** Largest own file that is carried over or recorded. */
export const MAX_OWN_FILE_BYTES = 64 << 10;

/** Another file of the node's own (own_files/table.ts). As secret as the host keys. */
export const OwnFile = z.object({
  path: AbsolutePath,
  base64: z.base64().max(Math.ceil(MAX_OWN_FILE_BYTES / 3) * 4),
});
export type OwnFile = z.infer<typeof OwnFile>;

export const Identity = z.object({
  hostname: Hostname,
  interfaces: NetworkInterfaces,
  machineId: MachineId.optional(),
  hostKeys: z.array(HostKey).max(8).optional(),
  files: z.array(OwnFile).max(64).optional(),
});
export type Identity = z.infer<typeof Identity>;

/** "n1, 10.0.0.5/24, vlan100 10.1.0.5/24": without secrets. */
export function describeIdentity(
  { hostname, interfaces }: Pick<Identity, "hostname" | "interfaces">,
): string {
  const parts = interfaces.map((one) => {
    const { addresses } = one;
    const shown = addresses === "dhcp" ? "DHCP" : addresses.join(" ") || "no address";
    return one.kind === "ethernet" ? shown : `${one.name} ${shown}`;
  });
  return [hostname, ...parts].join(", ");
}

/** Why no machine can have these interfaces, as text; undefined if one can. */
function contradiction(interfaces: readonly NetworkInterface[]): string | undefined {
  const nics = interfaces.flatMap((i) =>
    i.kind === "bond" ? i.members : i.kind === "ethernet" ? [i.mac ?? "the boot NIC"] : []
  );
  const names = interfaces.flatMap((i) => i.kind === "ethernet" ? [] : [i.name]);
  const twice = [...nics, ...names].find((word, at, all) => all.indexOf(word) !== at);
  if (twice !== undefined) return `${twice} is configured twice`;
  const own = interfaces.flatMap((i) => i.kind === "ethernet" ? [i.mac] : i.kind === "bond" ? [i.name] : []);
  for (const i of interfaces) {
    if (i.kind === "vlan" && !own.includes(i.parent)) {
      return `the parent of ${i.name}, ${i.parent}, is not configured`;
    }
  }
  return undefined;
}
