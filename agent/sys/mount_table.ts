/** The kernel's table of mounts, /proc/self/mountinfo (proc(5)): reading it touches no file system in it. */
import { type BytePath, bytePathOf } from "#contract/format/byte_path.ts";
import { AT_FDCWD, readLinkAt } from "./libc.ts";

export interface MountEntry {
  readonly id: number;
  /** Id of the mount that it is mounted on; for the topmost one, an id that the table does not have. */
  readonly parent: number;
  /** The file system's device number: "8:1"; "0:…" if no block device is behind it. */
  readonly number: string;
  /** Which part of the file system is mounted: "/" unless it is a bind mount or a subvolume. */
  readonly part: BytePath;
  /** Absolute path, as this process sees it. */
  readonly target: BytePath;
  readonly type: string;
  readonly source: string;
  /** The mount's own options and the file system's, as mount(8) prints them. */
  readonly options: string;
  /** Of the file system, not of this mount of it alone. */
  readonly readOnly: boolean;
  /** The btrfs subvolume that the mounted part lies in: "/@home". */
  readonly subvolume: BytePath | undefined;
}

/**
 * In the order of mounting. A line:
 *
 *     36 35 98:0 /part /target rw,noatime shared:1 - ext3 /dev/root rw,errors=continue
 */
export function parseMountTable(bytes: Uint8Array): MountEntry[] {
  return bytePathOf(bytes).split("\n").flatMap((line) => {
    const [before = "", after] = line.split(" - ", 2);
    const [id = "", parent = "", number = "", part = "", target = "", own = ""] = before.split(" ");
    if (after === undefined || own === "") return [];
    const [type = "", source = "", shared = ""] = after.split(" ");
    const subvolume = type === "btrfs" ? /(?:^|,)subvol=(.*)$/.exec(shared)?.[1] : undefined;
    return [{
      id: Number(id),
      parent: Number(parent),
      number,
      part: unescape(part),
      target: unescape(target),
      type: unescape(type),
      source: unescape(source),
      options: joinOptions(own, unescape(shared)),
      readOnly: /^ro(,|$)/.test(shared),
      subvolume: subvolume === undefined ? undefined : unescape(subvolume),
    }];
  });
}

/** Blank, tab, newline and backslash are octal there: "\040". */
function unescape(word: string): BytePath {
  const octal = (_: string, digits: string) => String.fromCharCode(parseInt(digits, 8));
  return word.replace(/\\([0-7]{3})/g, octal) as BytePath;
}

function joinOptions(own: string, shared: string): string {
  const all = [...own.split(","), ...shared.split(",")].filter((option) => option !== "");
  const isAccess = (option: string) => option === "ro" || option === "rw";
  return [all.includes("ro") ? "ro" : "rw", ...all.filter((option) => !isAccess(option))].join();
}

/** Empty if /proc is not mounted. */
export function readMountTable(): MountEntry[] {
  try {
    return parseMountTable(Deno.readFileSync("/proc/self/mountinfo"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Id of the mount that an open file lies on, without asking its file system. */
export function mountIdOf(fd: number): number {
  return Number(/^mnt_id:\s*(\d+)$/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))?.[1]);
}

/** Absolute path of an open directory, without asking its file system. */
export function pathOf(fd: number): BytePath {
  return readLinkAt(AT_FDCWD, `/proc/self/fd/${fd}` as BytePath);
}

/** Whether `path` is `directory` or lies below it; both absolute. */
export function isWithin(path: BytePath, directory: BytePath): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

/** The mount that a look-up of `path` leads to, unless a symlink leads elsewhere. */
export function mountOf(path: BytePath, table: readonly MountEntry[]): MountEntry | undefined {
  return table.filter(({ target }) => isWithin(path, target))
    .reduce<MountEntry | undefined>(
      (found, entry) => found !== undefined && found.target.length > entry.target.length ? found : entry,
      undefined,
    );
}

/** Whether the kernel reads it from a block device, so that no file server and no program has to answer. */
export function isOnBlockDevice({ number, type }: MountEntry): boolean {
  return type === "btrfs" || !(number.startsWith("0:") || type.startsWith("fuse"));
}

/** Whether looking up `entry.target` from the root of the mount `root` leads to it, over mounts in `trusted` only. */
export function isReachable(
  entry: MountEntry,
  { table, root, trusted }: {
    table: readonly MountEntry[];
    root: number;
    trusted: (entry: MountEntry) => boolean;
  },
): boolean {
  const seen = new Set<number>();
  for (let at = entry; at.id !== root;) {
    const below = table.find(({ id }) => id === at.parent);
    if (below === undefined || seen.has(at.id) || isHidden(at, table) || !trusted(at)) return false;
    seen.add(at.id);
    at = below;
  }
  return true;
}

/** Whether another mount lies over it, or over a directory on the way from its parent to it. */
function isHidden(entry: MountEntry, table: readonly MountEntry[]): boolean {
  return table.some(({ id, parent, target }) =>
    (parent === entry.id && target === entry.target) ||
    (parent === entry.parent && id !== entry.id && isWithin(entry.target, target))
  );
}
