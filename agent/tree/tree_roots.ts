/** A tree of one or several file systems, each opened by itself: which descriptor leads to a path. */
import { type BytePath, parentOf } from "#contract/format/byte_path.ts";

/** The root of a file system, open, and its place in the tree. */
export interface TreeMount {
  readonly path: BytePath;
  readonly fd: number;
}

const ITSELF = "." as BytePath;

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { bytePathOfText } from "#contract/format/byte_path.ts";
 *
 * const tree = new TreeRoots(3, [{ path: bytePathOfText("boot/efi"), fd: 4 }]);
 * assert.deepEqual(tree.at(bytePathOfText("boot")), { fd: 3, path: "boot" });
 * assert.deepEqual(tree.at(bytePathOfText("boot/efi")), { fd: 4, path: "." });
 * assert.deepEqual(tree.at(bytePathOfText("boot/efi/EFI")), { fd: 4, path: "EFI" });
 * ```
 */
export class TreeRoots {
  readonly #root: number;
  readonly #mounts: ReadonlyMap<BytePath, number>;

  constructor(root: number, mounts: readonly TreeMount[] = []) {
    this.#root = root;
    this.#mounts = new Map(mounts.map(({ path, fd }) => [path, fd]));
  }

  /** Whether another file system begins there. */
  isMount(path: BytePath): boolean {
    return this.#mounts.has(path);
  }

  /** The descriptor of the path's file system, and the path from there: "." for its root. */
  at(path: BytePath): { readonly fd: number; readonly path: BytePath } {
    if (this.#mounts.size > 0) {
      for (let above = path; above !== ""; above = parentOf(above)) {
        const fd = this.#mounts.get(above);
        if (fd === undefined) continue;
        return { fd, path: above === path ? ITSELF : path.slice(above.length + 1) as BytePath };
      }
    }
    return { fd: this.#root, path: path || ITSELF };
  }
}
