/**
 * Path patterns: absolute; `*` matches any bytes within one component. A pattern that names a directory covers
 * everything in it.
 */
import type { BytePath } from "../format/byte_path.ts";

export class OwnPatterns {
  /** By first component: most paths of a system are below one that no pattern names, and are answered at once. */
  readonly #groups = new Map<string, Group>();

  constructor(patterns: Iterable<string>) {
    for (const pattern of patterns) {
      const path = pattern.slice(1), top = topOf(path);
      const key = top.includes("*") ? ANY : top;
      const group = this.#groups.get(key) ?? { literal: new Set(), globs: [] };
      this.#groups.set(key, group);
      const star = path.indexOf("*");
      if (star < 0) group.literal.add(path);
      else group.globs.push({ prefix: path.slice(0, star), expression: expressionOf(path) });
    }
  }

  /** `path`: in a manifest's form, without a leading slash. */
  matches(path: BytePath | string): boolean {
    return this.#groupsOf(path).some((group) => isIn(group, path));
  }

  /** Whether a pattern matches the path or a directory above it. */
  has(path: BytePath | string): boolean {
    const groups = this.#groupsOf(path);
    if (groups.length === 0) return false;
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      const at = path.slice(0, end);
      if (groups.some((group) => isIn(group, at))) return true;
    }
    return false;
  }

  #groupsOf(path: string): Group[] {
    return [this.#groups.get(topOf(path)), this.#groups.get(ANY)].filter((group) => group !== undefined);
  }
}

interface Group {
  readonly literal: Set<string>;
  readonly globs: { readonly prefix: string; readonly expression: RegExp }[];
}

/** Of patterns with a wildcard in their first component; no path has such a component. */
const ANY = "/";

function topOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? path : path.slice(0, slash);
}

function isIn({ literal, globs }: Group, path: string): boolean {
  return literal.has(path) ||
    globs.some(({ prefix, expression }) => path.startsWith(prefix) && expression.test(path));
}

/** The regular expression for one component or a whole pattern. */
export function expressionOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", "[^/]*")}$`, "s");
}
