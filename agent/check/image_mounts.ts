/** The file systems of a running system that an image describes: each is opened by itself, read-only. */
import { type BytePath, bytePathOfText, displayPath } from "#contract/format/byte_path.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { mountPointsOf } from "#contract/format/subvolume_places.ts";
import { MountedTrees } from "../layout/mounts/mounted_trees.ts";
import type { OwnMount } from "../layout/mounts/own_mounts.ts";
import { SysError } from "../sys/errno.ts";
import { isOnBlockDevice, type MountEntry, readMountTable } from "../sys/mount_table.ts";
import type { TreeMount } from "../tree/tree_roots.ts";

/** Types without owners and modes. */
const PLAIN_TYPES: ReadonlySet<string> = new Set(["vfat", "msdos", "exfat"]);

interface Chosen {
  readonly own: readonly OwnMount[];
  /** Mount points of the image at which nothing is mounted now. */
  readonly absent: readonly string[];
  /** Mount points whose file system has no owners, no modes and no exact times. */
  readonly plain: readonly string[];
}

/**
 * Pure. Whatever else is mounted, such as a tmpfs, a file server or a disk that was added, is no part of the image.
 * `root`: the real path of the system's root, "/" on the machine itself.
 */
export function chooseImageMounts(
  layout: Pick<DiskLayout, "fileSystems"> | undefined,
  { table, root }: { table: readonly MountEntry[]; root: string },
): Chosen {
  const own: OwnMount[] = [], absent: string[] = [], plain: string[] = [];
  const mountPoints = new Set((layout?.fileSystems ?? []).flatMap(mountPointsOf));
  for (const mountPoint of new Set(["/", ...mountPoints])) {
    const target = bytePathOfText(root === "/" ? mountPoint : mountPoint === "/" ? root : root + mountPoint);
    const mount = table.findLast((one) => one.target === target && isOnBlockDevice(one));
    if (mount === undefined) {
      if (mountPoint !== "/") absent.push(mountPoint);
      continue;
    }
    own.push({
      path: bytePathOfText(mountPoint.slice(1)),
      id: mount.id,
      device: bytePathOfText(mount.source),
    });
    if (PLAIN_TYPES.has(mount.type)) plain.push(mountPoint);
  }
  return { own, absent, plain };
}

export class ImageMounts implements Disposable {
  readonly root: number;
  readonly mounts: readonly TreeMount[];
  readonly plain: readonly string[];
  /** Paths, relative in the tree, that are not compared: something else is there now, or hides them. */
  readonly hidden: readonly BytePath[];
  /** What of the image is not compared, as text. */
  readonly notes: readonly string[];
  readonly #stack: DisposableStack;

  /** `root`: the system's root. Throws SysError if it cannot be opened. */
  constructor(root: string, layout: Pick<DiskLayout, "fileSystems"> | undefined) {
    using stack = new DisposableStack();
    const chosen = chooseImageMounts(layout, { table: readMountTable(), root: Deno.realPathSync(root) });
    const trees = stack.use(new MountedTrees(root, chosen.own));
    const absent = [...chosen.absent], mounts: TreeMount[] = [];
    let bare = trees.root.bare;
    for (const path of trees.ownPaths) {
      try {
        const tree = stack.use(trees.open(path));
        bare &&= tree.bare;
        mounts.push({ path, fd: tree.fd });
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        absent.push(`/${displayPath(path)}`);
      }
    }
    // what is mounted over a tree that could only be opened with its mounts hides what belongs there
    const covered = bare ? [] : trees.others.filter(({ kind }) => kind !== "itself").map(({ path }) => path);
    this.root = trees.root.fd;
    this.mounts = mounts;
    this.plain = chosen.plain;
    this.hidden = [...absent.map((path) => bytePathOfText(path.slice(1))), ...covered];
    this.notes = absent.map((path) => `not compared, since its file system is not mounted: ${path}`);
    this.#stack = stack.move();
  }

  [Symbol.dispose](): void {
    this.#stack[Symbol.dispose]();
  }
}
