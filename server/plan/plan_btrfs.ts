/** Arguments of mkfs.btrfs(8), and the mounts of a file system with its subvolumes. Pure. */
import type { BtrfsProperties } from "#contract/format/file_system_properties.ts";
import type { DiskLayout, FileSystem } from "#contract/format/layout.ts";

/** mkfs.btrfs(8): the least size of a device, with mixed block groups and without. */
const LEAST_BYTES = 114 << 20, LEAST_MIXED_BYTES = 16 << 20;

/** Devices are appended, the file system's own volume first. */
export function mkfsBtrfsArgv(
  { uuid, label, mkfs: { btrfs } }: Pick<FileSystem, "uuid" | "label" | "mkfs">,
): [string, ...string[]] {
  return [
    "mkfs.btrfs",
    "--quiet",
    "--force",
    ...uuid ? ["--uuid", uuid] : [],
    ...label ? ["--label", label] : [],
    ...btrfs ? ownOptions(btrfs) : [],
  ];
}

function ownOptions(btrfs: BtrfsProperties): string[] {
  const { nodeBytes, sectorBytes, checksum, dataProfile, metadataProfile } = btrfs;
  const { features, disabled, runtime } = btrfs;
  const chosen = [...features, ...disabled.map((name) => `^${name}`)];
  const isRuntime = (name: string) => runtime.includes(name.replace("^", ""));
  const [late, early] = [chosen.filter(isRuntime), chosen.filter((name) => !isRuntime(name))];
  return [
    ...["--nodesize", String(nodeBytes), "--sectorsize", String(sectorBytes)],
    // older programs have no other checksum, and no such option
    ...checksum === "crc32c" ? [] : ["--csum", checksum],
    ...["--data", dataProfile, "--metadata", metadataProfile],
    ...early.length > 0 ? ["--features", early.join(",")] : [],
    ...late.length > 0 ? ["--runtime-features", late.join(",")] : [],
  ];
}

/** How many copies of a file's content each profile keeps. */
const COPIES: Readonly<Record<BtrfsProperties["dataProfile"], number>> = {
  single: 1,
  dup: 2,
  raid0: 1,
  raid1: 2,
  raid1c3: 3,
  raid1c4: 4,
  raid10: 2,
  raid5: 1,
  raid6: 1,
};

/** How often each byte of a file is stored. */
export function btrfsDataCopies({ mkfs: { btrfs } }: Pick<FileSystem, "mkfs">): number {
  return btrfs === undefined ? 1 : COPIES[btrfs.dataProfile];
}

/** The least size of each of its devices. */
export function leastBtrfsBytes({ mkfs: { btrfs } }: Pick<FileSystem, "mkfs">): number {
  return btrfs?.features.includes("mixed-bg") ? LEAST_MIXED_BYTES : LEAST_BYTES;
}

/** One mount of a file system. */
interface FileSystemMount {
  readonly mountPoint: string;
  /** For mount(2), besides the flags; "" if there are none. */
  readonly options: string;
}

/**
 * Everywhere that the template mounts the file system: once, except for a btrfs whose subvolumes have mount points of
 * their own. Parents first; the mounts of several file systems still have to be sorted together.
 */
export function mountsOf(
  { mountPoint, mountOptions, mkfs: { btrfs } }: Pick<FileSystem, "mountPoint" | "mountOptions" | "mkfs">,
): FileSystemMount[] {
  if (btrfs === undefined) return [{ mountPoint, options: "" }];
  const { subvolumes, mountedSubvolume, top } = btrfs;
  const mounts = [
    { path: mountedSubvolume, mountPoint, mountOptions },
    ...top ? [{ path: undefined, ...top }] : [],
    ...subvolumes.filter(({ path }) => path !== mountedSubvolume),
  ];
  return mounts.flatMap(({ path = "", mountPoint, mountOptions = "" }) =>
    mountPoint === undefined ? [] : [{
      mountPoint,
      options: [`subvol=/${path}`, ...writingOptions(mountOptions)].join(","),
    }]
  ).sort((a, b) => a.mountPoint < b.mountPoint ? -1 : 1);
}

/** The options that decide how much room the written files take: btrfs(5), "compress". */
function writingOptions(mountOptions: string): string[] {
  return mountOptions.split(",").filter((option) =>
    /^compress(-force)?(=(zlib|lzo|zstd)(:-?\d{1,2})?)?$/.test(option)
  );
}

/** The kernel mounts a btrfs with a lost disk only if it is asked to: btrfs(5), "degraded". */
export function degradedNotes({ fileSystems }: Pick<DiskLayout, "fileSystems">): string[] {
  return fileSystems.filter(({ more = [], mountOptions, mkfs: { btrfs } }) =>
    more.length > 0 && /^raid[156]/.test(btrfs?.dataProfile ?? "") && !/(^|,)degraded(,|$)/.test(mountOptions)
  ).map(({ mountPoint }) =>
    `the btrfs on ${mountPoint} keeps its data if a disk fails, but is then not mounted by itself: ` +
    (mountPoint === "/" ? "start with rootflags=degraded" : "mount it with -o degraded")
  );
}

/** Its subvolumes in the order in which they are made. */
export interface SubvolumePlan {
  /** Paths from the top, parents first. */
  readonly paths: readonly string[];
  /** Those that become read-only once everything is written. */
  readonly readOnly: readonly string[];
  /** Absent: the top. */
  readonly default?: string | undefined;
}

/** Undefined for any other file system, and for a btrfs that has none. */
export function plannedSubvolumes({ mkfs: { btrfs } }: Pick<FileSystem, "mkfs">): SubvolumePlan | undefined {
  if (btrfs === undefined || btrfs.subvolumes.length === 0) return undefined;
  const depth = (path: string) => path.split("/").length;
  const { subvolumes, defaultSubvolume } = btrfs;
  return {
    paths: subvolumes.map(({ path }) => path).sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1)),
    readOnly: subvolumes.flatMap(({ path, readOnly }) => readOnly ? [path] : []),
    ...defaultSubvolume !== undefined && { default: defaultSubvolume },
  };
}

/** "5 subvolumes (@, @home …), 2 of them read-only, default @", for the printed plan. */
export function describeSubvolumes({ paths, readOnly, default: own }: SubvolumePlan): string {
  const SHOWN = 4;
  const names = `${paths.slice(0, SHOWN).join(", ")}${paths.length > SHOWN ? " …" : ""}`;
  return [
    paths.length === 1 ? `subvolume ${names}` : `${paths.length} subvolumes (${names})`,
    ...readOnly.length > 0 ? [`${readOnly.length} of them read-only`] : [],
    ...own === undefined ? [] : [`default ${own}`],
  ].join(", ");
}
