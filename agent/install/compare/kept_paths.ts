/** Paths of a target that are left as they are, with everything below them. */
import { posix } from "node:path";
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
import { readLinkAt } from "../../sys/libc.ts";
import type { TreeRoots } from "../../tree/tree_roots.ts";

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { bytePathOfText } from "#contract/format/byte_path.ts";
 *
 * const kept = KeptPaths.parse(["/srv/", "/var/lib/mysql"]);
 * assert.ok(kept.has(bytePathOfText("srv/www/index.html")));
 * assert.ok(!kept.has(bytePathOfText("var/lib")));
 * assert.ok(kept.leadsTo(bytePathOfText("var/lib")));
 * ```
 */
export class KeptPaths {
  readonly #paths: ReadonlySet<BytePath>;
  /** Directories above them, including the root. */
  readonly #above = new Set<BytePath>();

  /** Patterns of further paths that are kept wherever the image or the disk has them. */
  readonly patterns: OwnPatterns | undefined;
  /** Paths below kept ones that are not kept, with everything below them. */
  readonly except: ReadonlySet<BytePath>;
  readonly #aboveExcept: ReadonlySet<BytePath>;

  /** `paths`: as in a manifest, relative to the root. */
  constructor(paths: Iterable<BytePath>, patterns?: OwnPatterns, except: Iterable<BytePath> = []) {
    this.patterns = patterns;
    this.except = new Set(except);
    this.#aboveExcept = new Set([...this.except].flatMap(parentsOf));
    this.#paths = new Set(paths);
    for (const path of this.#paths) for (const parent of parentsOf(path)) this.#above.add(parent);
  }

  /** `texts`: as a person writes them, absolute inside the tree: "/srv", "/home/". Throws RackseedError. */
  static parse(texts: readonly string[]): KeptPaths {
    return new KeptPaths(texts.map(parsePath));
  }

  get paths(): readonly BytePath[] {
    return [...this.#paths];
  }

  /** Whether the path is kept: one of them, below one, or matched by a pattern. */
  has(path: BytePath): boolean {
    return this.#isBelow(path) || (this.patterns?.has(path) ?? false);
  }

  /** Asked for every path of a tree, so it makes no list of the directories above. */
  #isBelow(path: BytePath): boolean {
    for (let at = path;; at = parentOf(at)) {
      if (this.except.has(at)) return false;
      if (this.#paths.has(at)) return true;
      if (at === "") return false;
    }
  }

  /** Whether one that is not kept lies below this one. */
  leadsOut(path: BytePath): boolean {
    return this.#aboveExcept.has(path);
  }

  /** Whether a kept path lies below this one. */
  leadsTo(path: BytePath): boolean {
    return this.#above.has(path);
  }

  /**
   * Those that exist. Throws RackseedError if one is a symlink to what is not kept, or lies behind a symlink: only the
   * link would stay, which is hardly what the operator meant.
   */
  existingIn(tree: TreeRoots): Set<BytePath> {
    const existing = new Set<BytePath>();
    for (const path of this.#paths) if (this.#exists(tree, path)) existing.add(path);
    return existing;
  }

  #exists(tree: TreeRoots, path: BytePath): boolean {
    let at = "" as BytePath;
    for (const name of path.split("/")) {
      at = joinPath(at, name as BytePath);
      const status = statusOf(tree, at);
      if (status === undefined) return false;
      if (status.type === "symlink") {
        if (at === path && this.has(targetOf(tree, at))) return true;
        throw new RackseedError(`cannot keep /${displayPath(path)}`, {
          reason: `/${displayPath(at)} is a symbolic link, and what it points to would not be kept.`,
          remedy: "name the path that it points to; the link itself can be named beside it.",
          status: 409,
        });
      }
    }
    return true;
  }
}

/** The directories above the path, nearest first, the root last. */
function parentsOf(path: BytePath): BytePath[] {
  const parents: BytePath[] = [];
  for (let at = path; at !== "";) parents.push(at = parentOf(at));
  return parents;
}

function statusOf(tree: TreeRoots, path: BytePath): FileStatus | undefined {
  const place = tree.at(path);
  try {
    return statAt(place.fd, place.path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** What the symlink points to, by its text alone. */
function targetOf(tree: TreeRoots, link: BytePath): BytePath {
  const place = tree.at(link);
  return posix.resolve(`/${parentOf(link)}`, readLinkAt(place.fd, place.path)).slice(1) as BytePath;
}

function parsePath(text: string): BytePath {
  try {
    const path = confinedPath(bytePathOfText(text.replace(/\/+$/, "").slice(1)));
    if (text.startsWith("/") && path !== "") return path;
  } catch {
    // thrown below
  }
  throw new RackseedError(`cannot keep ${JSON.stringify(text)}`, {
    reason: "it is not an absolute path below the root.",
    remedy: "name a path such as /srv or /var/lib/mysql.",
    status: 400,
  });
}
