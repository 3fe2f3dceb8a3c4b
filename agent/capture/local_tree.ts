/** The running machine's own tree: hides network and FUSE mounts, which may never answer. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { ForeignTree, type TreeReader } from "../tree/tree_files.ts";
import { isOnBlockDevice, type MountEntry, mountOf } from "../sys/mount_table.ts";

export class LocalTree extends ForeignTree {
  readonly #table: readonly MountEntry[];

  constructor(root: string, table: readonly MountEntry[]) {
    super(root);
    this.#table = table;
  }

  override async kind(path: string): ReturnType<TreeReader["kind"]> {
    return answers(path, this.#table) ? await super.kind(path) : undefined;
  }
}

/** Whether the path is on a local block device, so that the kernel alone answers for it. The root always counts. */
export function answers(path: string, table: readonly MountEntry[]): boolean {
  const mount = mountOf(bytePathOfText(path), table);
  return mount === undefined || mount.target === "/" || isOnBlockDevice(mount);
}
