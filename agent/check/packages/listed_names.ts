/** What the databases of all package managers are read with. */
import type { Run } from "../../sys/command.ts";
import type { TreeReader } from "../../tree/tree_files.ts";

export interface OwnersOptions {
  readonly tree: TreeReader;
  readonly run: Run;
  readonly rest: () => Promise<void>;
  /** Another process has used this much of a processor. */
  readonly charge: (cpuMs: number) => void;
}

/** By path, absolute in the tree. A path without a package, or with an unknown one, is not in it. */
export type Owners = Map<string, string>;

/** Directories that a merged /usr turned into links: package lists may name either path. */
const MERGED = /^\/(?:usr\/)?(bin|sbin|lib|lib32|lib64|libx32)\//;

/**
 * By every path that a package's list may have for one of `paths`, that path.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const names = listedNames(["/usr/bin/ls", "/etc/motd"]);
 * assert.equal(names.get("/bin/ls"), "/usr/bin/ls");
 * assert.equal(names.get("/etc/motd"), "/etc/motd");
 * ```
 */
export function listedNames(paths: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const path of paths) {
    const rest = path.replace(MERGED, "$1/");
    if (rest !== path) {
      names.set(`/${rest}`, path);
      names.set(`/usr/${rest}`, path);
    }
    names.set(path, path);
  }
  return names;
}
