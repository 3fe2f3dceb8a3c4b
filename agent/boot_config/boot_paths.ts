/** Paths in boot entries: they start at the top of a file system or subvolume, which need not be the tree's. */
import type { TreeReader } from "../tree/tree_files.ts";

/** GRUB may put a device before it: "(hd0,gpt2)/vmlinuz", "($root)/vmlinuz", "$root/vmlinuz". */
const PATH = /^(?:\([^)\s]*\)|\$\{?\w+\}?)?((?:\/[\w+@:~-][\w.+@:~-]*)+)$/;

export function isBootPath(word: string): boolean {
  return PATH.test(word);
}

/** The file that a word of a boot entry means, as a path in the tree. */
export async function fileOf(tree: TreeReader, word: string): Promise<string | undefined> {
  const [, path] = PATH.exec(word) ?? [];
  if (path === undefined) return undefined;
  const parts = path.split("/").slice(1);
  for (let left = 0; left < Math.min(parts.length, 3); left++) {
    for (const top of ["", "/boot", "/boot/efi", "/efi"]) {
      const at = `${top}/${parts.slice(left).join("/")}`;
      const target = await tree.linkTarget(at);
      const real = target === undefined || target.includes("/")
        ? at
        : `${at.slice(0, at.lastIndexOf("/"))}/${target}`;
      if (await tree.kind(real) === "file") return real;
    }
  }
  return undefined;
}
