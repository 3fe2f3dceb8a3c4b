/** Which paths of a clone a restore leaves alone though nobody named them. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import type { Order } from "#contract/api.ts";
import { OwnPatterns } from "#contract/own_files/pattern.ts";
import { isMadeByNode, isPreferred, OWN_FILES } from "#contract/own_files/table.ts";
import type { ContentIndex } from "../records/content_index.ts";
import { type Comparison, comparisonOf } from "../compare/comparison.ts";
import { KeptPaths } from "../compare/kept_paths.ts";
import { type CloneRecord, RECORD_FOLDER } from "../records/clone_record.ts";

/** What a running system writes by itself: kept where it is there, so that what led to the damage can be read. */
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

/** Whose identity is written there, where no record says it; see identity.ts. */
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
/** Written by a running system in the node's own name. */
const ALWAYS_OWN = [
  "/etc/resolv.conf",
  "/var/lib/dhcp",
  "/var/lib/dhclient",
  "/var/lib/NetworkManager",
  RECORD_FOLDER,
];

/** Nothing of the image's is ever made there: a clone got a value of its own, or makes one. */
const OWN_PATTERNS = new OwnPatterns(OWN_FILES.flatMap((row) => isMadeByNode(row) ? row.paths : []));
/** The image's are made where the node's are lost. */
const PREFERRED_PATTERNS = new OwnPatterns(OWN_FILES.flatMap((row) => isPreferred(row) ? row.paths : []));

/** Those of the paths that lie in none of the folders. */
export function withoutFolders(paths: readonly string[], folders: readonly string[]): string[] {
  return paths.filter((path) => !folders.some((folder) => `${path}/`.startsWith(`${folder}/`)));
}

/** The identity's files: as the record has them, else those that an identity is usually written to. */
export function ownPaths(record: CloneRecord | undefined): string[] {
  return record ? record.own.map(({ path }) => path) : IDENTITY_PATHS;
}

/**
 * What of a machine's clone is compared. `soundLoader`: folders of a boot loader that is as it was installed.
 * `plain`: mount points whose file system knows no owners, modes and exact times.
 */
export function machineComparison(
  order: Pick<Order, "restore"> & Partial<Pick<Order, "identity">>,
  { record, index, trustsIndex, soundLoader, fitted, plain }: {
    record: CloneRecord | undefined;
    index: ContentIndex | undefined;
    /** Whether files that are as the index has them need not be read. */
    trustsIndex: boolean;
    soundLoader: readonly string[];
    /** Files that were changed for this disk, and are as they were. */
    fitted: readonly string[];
    plain: readonly string[];
  },
): Comparison | undefined {
  const parsed = (paths: readonly string[]) => paths.map((path) => bytePathOfText(path.slice(1)));
  const found = comparisonOf(order, {
    resumes: false,
    own: new KeptPaths(
      parsed([...ownPaths(record), ...ALWAYS_OWN, ...soundLoader, ...fitted, ...order.identity?.own ?? []]),
      OWN_PATTERNS,
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
