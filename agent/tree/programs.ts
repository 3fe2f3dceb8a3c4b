/** Whether a system has a program. */
import type { TreeReader } from "./tree_files.ts";

const FOLDERS = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

export async function hasProgram(tree: TreeReader, name: string): Promise<boolean> {
  return await findProgramFile(tree, name) !== undefined;
}

/** Its path, which may be a link. */
export async function findProgramFile(tree: TreeReader, name: string): Promise<string | undefined> {
  for (const folder of FOLDERS) {
    const kind = await tree.kind(`${folder}/${name}`);
    if (kind === "file" || kind === "symlink") return `${folder}/${name}`;
  }
  return undefined;
}
