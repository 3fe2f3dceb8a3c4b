/**
 * Path patterns: absolute; `*` matches any bytes within one component. A pattern that names a directory covers
 * everything in it.
 */
import type { BytePath } from "../format/byte_path.ts";

export class OwnPatterns {
  readonly #literal = new Set<string>();
  readonly #globs: { readonly prefix: string; readonly expression: RegExp }[] = [];

  constructor(patterns: Iterable<string>) {
    for (const pattern of patterns) {
      const path = pattern.slice(1);
      const star = path.indexOf("*");
      if (star < 0) this.#literal.add(path);
      else this.#globs.push({ prefix: path.slice(0, star), expression: expressionOf(path) });
    }
  }

  /** `path`: in a manifest's form, without a leading slash. */
  matches(path: BytePath | string): boolean {
    return this.#literal.has(path) ||
      this.#globs.some(({ prefix, expression }) => path.startsWith(prefix) && expression.test(path));
  }

  /** Whether a pattern matches the path or a directory above it. */
  has(path: BytePath | string): boolean {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (this.matches(path.slice(0, end))) return true;
    }
    return false;
  }
}

/** The regular expression for one component or a whole pattern. */
export function expressionOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", "[^/]*")}$`, "s");
}
