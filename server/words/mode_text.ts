/** Type and permission bits as ls(1) writes them. */

const TYPES: Readonly<Record<string, string>> = {
  directory: "d",
  file: "-",
  link: "-",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
};

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { modeText } from "./mode_text.ts";
 *
 * assert.equal(modeText({ type: "file", mode: 0o4750 }), "-rwsr-x---");
 * assert.equal(modeText({ type: "directory", mode: 0o1777 }), "drwxrwxrwt");
 * ```
 */
export function modeText({ type, mode }: { readonly type: string; readonly mode: number }): string {
  const triple = (shift: number, special: number, letter: string) => {
    const bits = mode >> shift & 7, isSpecial = (mode & special) !== 0, runs = (bits & 1) !== 0;
    const last = isSpecial ? (runs ? letter : letter.toUpperCase()) : runs ? "x" : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  return `${TYPES[type] ?? "?"}${triple(6, 0o4000, "s")}${triple(3, 0o2000, "s")}${triple(0, 0o1000, "t")}`;
}
