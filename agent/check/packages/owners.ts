/** Which package of the system's package manager each of some paths belongs to. Reads only. */
import { apkOwners } from "./apk.ts";
import { dpkgOwners } from "./dpkg.ts";
import type { Owners, OwnersOptions } from "./listed_names.ts";
import { pacmanOwners } from "./pacman.ts";
import { rpmOwners } from "./rpm.ts";

/**
 * A system may have the databases of several package managers; the first that owns a path is taken. Throws what reading
 * throws.
 */
export async function ownersOf(paths: readonly string[], options: OwnersOptions): Promise<Owners> {
  const owners: Owners = new Map();
  for (const find of [dpkgOwners, apkOwners, pacmanOwners, rpmOwners]) {
    const left = paths.filter((path) => !owners.has(path));
    if (left.length === 0) break;
    for (const [path, name] of await find(left, options)) owners.set(path, name);
  }
  return owners;
}
