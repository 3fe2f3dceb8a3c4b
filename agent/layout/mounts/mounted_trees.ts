/** Opens a machine's own file systems directly, without anything that is mounted over or into them. */
import { type BytePath, bytePathOfText } from "#contract/format/byte_path.ts";
import { SysError } from "../../sys/errno.ts";
import { cloneMount, type DetachedMount, mountAgain } from "../../sys/detached_mount.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import {
  isReachable,
  isWithin,
  type MountEntry,
  mountIdOf,
  pathOf,
  readMountTable,
} from "../../sys/mount_table.ts";
import { isWhole, type OwnMount } from "./own_mounts.ts";

export interface OpenTree extends Disposable {
  /** Descriptor of its root, for reading. */
  readonly fd: number;
  /** Whether it is opened without the mounts inside it; otherwise those hide what is below them. */
  readonly bare: boolean;
}

/** A mount below the root that does not show one of the machine's own file systems. */
export interface OtherMount {
  /** Its path in the image. */
  readonly path: BytePath;
  readonly mount: MountEntry;
  /** "again": one of the machine's file systems, or part of it, mounted again; "itself": shows what is there anyway. */
  readonly kind: "foreign" | "again" | "itself";
}

const DIRECTORY = O.RDONLY | O.DIRECTORY;
/** O_PATH; asm-generic/fcntl.h */
const PATH_ONLY = 0o10000000, ENOENT = 2;

export class MountedTrees implements Disposable {
  readonly root: OpenTree;
  readonly others: readonly OtherMount[];
  /** Paths at which a subvolume shows that is captured at another one. */
  readonly shownAgain: ReadonlySet<BytePath>;
  readonly #plainRoot: number;
  readonly #rootMount: number;
  readonly #table: readonly MountEntry[];
  readonly #own: ReadonlyMap<BytePath, OwnMount>;
  readonly #ownIds: ReadonlySet<number>;

  /** Throws SysError if `root` cannot be opened as a directory. */
  constructor(root: string, own: readonly OwnMount[]) {
    this.#plainRoot = openAt(AT_FDCWD, bytePathOfText(root), { flags: DIRECTORY });
    this.#table = readMountTable();
    const known = this.#table.length > 0;
    this.#rootMount = known ? mountIdOf(this.#plainRoot) : 0;
    this.#own = new Map(own.filter(({ path }) => path !== "").map((mount) => [mount.path, mount]));
    this.#ownIds = new Set(own.map(({ id }) => id));
    this.shownAgain = new Set(own.flatMap(({ shownAgain = [] }) => shownAgain));
    this.others = known ? this.#othersBelow(pathOf(this.#plainRoot)) : [];
    this.root = bareOrPlain(openAt(this.#plainRoot, "." as BytePath, { flags: DIRECTORY }));
  }

  /** The mount points of own file systems below the root. */
  get ownPaths(): BytePath[] {
    return [...this.#own.keys()];
  }

  /** The part of the own file system that is mounted at `path`; undefined if all of it is. */
  partOf(path: BytePath): BytePath | undefined {
    const mount = this.#entry(path);
    return mount && !isWhole(mount) ? mount.part : undefined;
  }

  /** Opens the own file system that belongs at `path`. Throws SysError if it cannot be reached. */
  open(path: BytePath): OpenTree {
    const own = this.#own.get(path), mount = this.#entry(path);
    if (own === undefined || mount === undefined) {
      throw new SysError("open the mount", { errno: ENOENT, path });
    }
    const reached = isWhole(mount) ? this.#reach(path, mount) : undefined;
    if (reached === undefined) {
      const { type, readOnly, subvolume } = mount;
      return bare(mountAgain({ device: own.device, type, readOnly, subvolume }));
    }
    return bareOrPlain(reached);
  }

  #entry(path: BytePath): MountEntry | undefined {
    const id = this.#own.get(path)?.id;
    return this.#table.find((mount) => mount.id === id);
  }

  /** Opens a plain descriptor if the path leads to this mount through own file systems only. */
  #reach(path: BytePath, mount: MountEntry): number | undefined {
    const trusted = ({ id }: MountEntry) => this.#ownIds.has(id);
    if (!isReachable(mount, { table: this.#table, root: this.#rootMount, trusted })) return undefined;
    const found = openAt(this.#plainRoot, path, { flags: PATH_ONLY | O.DIRECTORY | O.NOFOLLOW });
    try {
      // never query what was mounted over it a moment ago
      if (mountIdOf(found) !== mount.id) return undefined;
      return openAt(found, "." as BytePath, { flags: DIRECTORY });
    } finally {
      close(found);
    }
  }

  #othersBelow(root: BytePath): OtherMount[] {
    return this.#table
      .filter(({ id, target }) => target !== root && isWithin(target, root) && !this.#ownIds.has(id))
      .map((mount) => ({
        path: mount.target.slice(root === "/" ? 1 : root.length + 1) as BytePath,
        mount,
        kind: this.#kindOf(mount),
      }));
  }

  #kindOf({ number, part, target }: MountEntry): OtherMount["kind"] {
    const own = this.#table.filter((mount) => mount.number === number && this.#ownIds.has(mount.id));
    if (own.length === 0) return "foreign";
    const placeIn = (mount: MountEntry) =>
      isWithin(part, mount.part) ? joinAbsolute(mount.target, part.slice(mount.part.length)) : undefined;
    return own.some((mount) => placeIn(mount) === target) ? "itself" : "again";
  }

  [Symbol.dispose](): void {
    this.root[Symbol.dispose]();
    close(this.#plainRoot);
  }
}

function joinAbsolute(directory: BytePath, rest: string): string {
  return [...directory.split("/"), ...rest.split("/")].filter((name) => name !== "")
    .map((name) => `/${name}`).join("") || "/";
}

function bare(mount: DetachedMount): OpenTree {
  return { fd: mount.fd, bare: true, [Symbol.dispose]: () => mount[Symbol.dispose]() };
}

/**
 * Takes ownership of `plain`, the descriptor of a directory. Cloning the mount fails on old kernels, without
 * CAP_SYS_ADMIN, and under the seccomp filters of containers; the plain descriptor is used then.
 */
function bareOrPlain(plain: number): OpenTree {
  try {
    const tree = bare(cloneMount(plain));
    close(plain);
    return tree;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return { fd: plain, bare: false, [Symbol.dispose]: () => close(plain) };
  }
}
