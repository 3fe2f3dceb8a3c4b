/** The running machine's own tree: what a server or a program would have to answer for is not there. */
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

/** Whether the kernel alone answers for the path. The root is asked, whatever it is. */
export function answers(path: string, table: readonly MountEntry[]): boolean {
  const mount = mountOf(bytePathOfText(path), table);
  return mount === undefined || mount.target === "/" || isOnBlockDevice(mount);
}
