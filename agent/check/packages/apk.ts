/**
 * Alpine's database of what is installed, apk-package(5): "P:" a package, "F:" a directory, "R:" a file in the directory
 * before it.
 */
import { listedNames, type Owners, type OwnersOptions } from "./listed_names.ts";

const FILES = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];
const MAX_BYTES = 256 << 20;
/** Lines between two rests. */
const TURN_LINES = 20_000;

export async function apkOwners(paths: readonly string[], { tree, rest }: OwnersOptions): Promise<Owners> {
  const owners: Owners = new Map(), names = listedNames(paths);
  const note = (listed: string, name: string) => {
    const path = names.get(listed);
    if (path !== undefined && !owners.has(path)) owners.set(path, name);
  };
  for (const file of FILES) {
    const bytes = await tree.bytes(file, { maxBytes: MAX_BYTES });
    let name = "", folder = "", lines = 0;
    for (const line of bytes ? new TextDecoder().decode(bytes).split("\n") : []) {
      const value = line.slice(2);
      if (line.startsWith("P:")) name = value;
      else if (line.startsWith("F:")) note(folder = `/${value}`, name);
      else if (line.startsWith("R:")) note(`${folder === "/" ? "" : folder}/${value}`, name);
      if (++lines % TURN_LINES === 0) await rest();
    }
    if (bytes) break;
  }
  return owners;
}
