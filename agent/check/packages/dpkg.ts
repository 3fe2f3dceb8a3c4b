/** dpkg's own lists, as dpkg-query(1) reads them: /var/lib/dpkg/info/NAME[:ARCHITECTURE].list, a path on each line. */
import { listedNames, type Owners, type OwnersOptions } from "./listed_names.ts";

const FOLDER = "/var/lib/dpkg/info";
/** The longest lists, of kernel headers, have 3 MiB. */
const MAX_LIST_BYTES = 32 << 20;

export async function dpkgOwners(
  paths: readonly string[],
  { tree, rest }: OwnersOptions,
): Promise<Owners> {
  const owners: Owners = new Map(), names = listedNames(paths);
  for (const file of await tree.list(FOLDER)) {
    const name = /([^/:]+)(?::[^/:]+)?\.list$/.exec(file)?.[1];
    if (name === undefined) continue;
    const bytes = await tree.bytes(file, { maxBytes: MAX_LIST_BYTES });
    for (const line of bytes ? new TextDecoder().decode(bytes).split("\n") : []) {
      const path = names.get(line);
      if (path !== undefined && !owners.has(path)) owners.set(path, name);
    }
    await rest();
  }
  return owners;
}
