/** Which paths of a clone a restore leaves alone without being asked to. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import type { Order } from "#contract/api.ts";
import { OwnPatterns } from "#contract/own_files/pattern.ts";
import { isMadeByNode, isPreferred, OWN_FILES } from "#contract/own_files/table.ts";
import type { ContentIndex } from "../records/content_index.ts";
import { type Comparison, comparisonOf } from "../compare/comparison.ts";
import { KeptPaths } from "../compare/kept_paths.ts";
import { type CloneRecord, RECORD_FOLDER } from "../records/clone_record.ts";

/** What a running system writes. Kept if present, so that the cause of the damage can be read there. */
export const STATE_PATHS = [
  "/var/log",
  "/var/cache",
  "/var/tmp",
  "/var/lib/systemd",
  "/var/lib/private",
  "/var/lib/logrotate",
  "/var/lib/chrony",
  "/etc/adjtime",
  "/etc/.updated",
  "/var/.updated",
];

/** Where an identity is usually written, for clones without a record; see identity.ts. */
const IDENTITY_PATHS = [
  "/etc/hostname",
  "/etc/hosts",
  "/etc/machine-id",
  "/var/lib/dbus/machine-id",
  "/etc/network/interfaces",
  "/etc/network/interfaces.d",
  "/etc/netplan",
  "/etc/systemd/network",
  "/etc/NetworkManager/system-connections",
  "/etc/sysconfig/network-scripts",
  "/etc/cloud/cloud.cfg.d/99-rackseed.cfg",
  ...["rsa", "ecdsa", "ed25519", "dsa"].flatMap((kind) => [
    `/etc/ssh/ssh_host_${kind}_key`,
    `/etc/ssh/ssh_host_${kind}_key.pub`,
  ]),
];
/** Written by a running system about its own node. */
const ALWAYS_OWN = [
  "/etc/resolv.conf",
  "/var/lib/dhcp",
  "/var/lib/dhclient",
  "/var/lib/NetworkManager",
  RECORD_FOLDER,
];

/** The image's files are never written there: a clone gets a value of its own, or makes one. */
const OWN_PATTERNS = new OwnPatterns(OWN_FILES.flatMap((row) => isMadeByNode(row) ? row.paths : []));
/** The image's files are written there if the node's are lost. */
const PREFERRED_PATTERNS = new OwnPatterns(OWN_FILES.flatMap((row) => isPreferred(row) ? row.paths : []));

/** The paths that are in none of the folders. */
export function withoutFolders(paths: readonly string[], folders: readonly string[]): string[] {
  return paths.filter((path) => !folders.some((folder) => `${path}/`.startsWith(`${folder}/`)));
}

/** The identity's files according to the record; without one, those that usually hold an identity. */
export function ownPaths(record: CloneRecord | undefined): string[] {
  return record ? record.own.map(({ path }) => path) : IDENTITY_PATHS;
}

/**
 * How to compare a machine's clone. `soundLoader`: folders of a boot loader that is as it was installed.
 * `plain`: mount points whose file system has no owners, no modes and no exact times.
 */
export function machineComparison(
  order: Pick<Order, "restore"> & Partial<Pick<Order, "identity">>,
  { record, index, trustsIndex, soundLoader, fitted, plain, left }: {
    record: CloneRecord | undefined;
    index: ContentIndex | undefined;
    /** Whether files that match the index need not be read. */
    trustsIndex: boolean;
    soundLoader: readonly string[];
    /** Files that were changed for this disk, and have not changed since. */
    fitted: readonly string[];
    plain: readonly string[];
    /** What lies on disks that nothing is written to. */
    left?: KeptPaths;
  },
): Comparison | undefined {
  const parsed = (paths: readonly string[]) => paths.map((path) => bytePathOfText(path.slice(1)));
  const found = comparisonOf(order, {
    resumes: false,
    own: new KeptPaths(
      parsed([...ownPaths(record), ...ALWAYS_OWN, ...soundLoader, ...fitted, ...order.identity?.own ?? []])
        .concat(left?.paths ?? []),
      OWN_PATTERNS,
      left?.except,
    ),
  });
  if (found?.why !== "restores") return found;
  return {
    ...found,
    kept: new KeptPaths([...found.kept.paths, ...parsed(STATE_PATHS)], PREFERRED_PATTERNS),
    plain: new KeptPaths(parsed(plain)),
    index,
    trustsIndex,
  };
}
