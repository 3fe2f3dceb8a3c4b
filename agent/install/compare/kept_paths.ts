/** Paths of a target that are left as they are, with all that lies below them. */
import {
  type BytePath,
  bytePathOfText,
  confinedPath,
  displayPath,
  joinPath,
  parentOf,
} from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import type { OwnPatterns } from "#contract/own_files/pattern.ts";
import { codeOf } from "../../sys/errno.ts";
import { type FileStatus, statAt } from "../../sys/file_status.ts";

export class KeptPaths {
  readonly #paths: ReadonlySet<BytePath>;
  /** What leads to them, the root included. */
  readonly #above = new Set<BytePath>();

  /** What is kept beside them wherever the image or the disk has it. */
  readonly patterns: OwnPatterns | undefined;

  /** Paths as a manifest has them. */
  constructor(paths: Iterable<BytePath>, patterns?: OwnPatterns) {
    this.patterns = patterns;
    this.#paths = new Set(paths);
    for (const path of this.#paths) for (const parent of parentsOf(path)) this.#above.add(parent);
  }

  /** As a person names them, absolute inside the tree: "/srv", "/home/". Throws RackseedError. */
  static parse(texts: readonly string[]): KeptPaths {
    return new KeptPaths(texts.map(parsePath));
  }

  get paths(): readonly BytePath[] {
    return [...this.#paths];
  }

  /** Whether the path is one of them or lies below one. */
  has(path: BytePath): boolean {
    return this.#paths.has(path) || parentsOf(path).some((parent) => this.#paths.has(parent)) ||
      (this.patterns?.has(path) ?? false);
  }

  /** Whether one of them lies below the path. */
  leadsTo(path: BytePath): boolean {
    return this.#above.has(path);
  }

  /**
   * Those that are there. `root`: descriptor of the target. Throws RackseedError where a symlink leads to one: what
   * it points to would not be kept, which is not what was meant.
   */
  existingIn(root: number): Set<BytePath> {
    const there = new Set<BytePath>();
    for (const path of this.#paths) if (this.#isThere(root, path)) there.add(path);
    return there;
  }

  #isThere(root: number, path: BytePath): boolean {
    let at = "" as BytePath;
    for (const name of path.split("/")) {
      at = joinPath(at, name as BytePath);
      const status = statusOf(root, at);
      if (status === undefined) return false;
      if (status.type === "symlink") {
        throw new RackseedError(`cannot keep /${displayPath(path)}`, {
          reason: `/${displayPath(at)} is a symbolic link, and what it points to would not be kept.`,
          remedy: "name the path that it points to.",
          status: 409,
        });
      }
    }
    return true;
  }
}

/** All that lead to the path, the nearest first, the root last. */
function parentsOf(path: BytePath): BytePath[] {
  const parents: BytePath[] = [];
  for (let at = path; at !== "";) parents.push(at = parentOf(at));
  return parents;
}

function statusOf(root: number, path: BytePath): FileStatus | undefined {
  try {
    return statAt(root, path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

function parsePath(text: string): BytePath {
  try {
    const path = confinedPath(bytePathOfText(text.replace(/\/+$/, "").slice(1)));
    if (text.startsWith("/") && path !== "") return path;
  } catch {
    // said below
  }
  throw new RackseedError(`cannot keep ${JSON.stringify(text)}`, {
    reason: "it is no absolute path below the root.",
    remedy: "name a path such as /srv or /var/lib/mysql.",
    status: 400,
  });
}
