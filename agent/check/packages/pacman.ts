/**
 * pacman's local database: /var/lib/pacman/local/NAME-VERSION-RELEASE/files, with the paths after the line "%FILES%",
 * relative; those of directories end in a slash.
 */
import { listedNames, type Owners, type OwnersOptions } from "./listed_names.ts";

const FOLDER = "/var/lib/pacman/local";
const MAX_BYTES = 32 << 20;

export async function pacmanOwners(
  paths: readonly string[],
  { tree, rest }: OwnersOptions,
): Promise<Owners> {
  const owners: Owners = new Map(), names = listedNames(paths);
  for (const folder of await tree.list(FOLDER)) {
    const name = /\/([^/]+)-[^/-]+-[^/-]+$/.exec(folder)?.[1];
    if (name === undefined) continue;
    const bytes = await tree.bytes(`${folder}/files`, { maxBytes: MAX_BYTES });
    for (const line of bytes ? new TextDecoder().decode(bytes).split("\n") : []) {
      const path = names.get(`/${line.replace(/\/$/, "")}`);
      if (path !== undefined && !owners.has(path)) owners.set(path, name);
    }
    await rest();
  }
  return owners;
}
