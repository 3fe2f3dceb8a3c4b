/** The words of a line of GRUB's script, with its variables expanded (GRUB manual, "Shell-like scripting"). Pure. */

/** The value of a variable. May throw. */
export type Lookup = (name: string) => string;

const VARIABLE = /^\$(?:\{(\w+)\}|(\w+))/;

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { wordsOf } from "./grub_words.ts";
 *
 * const values: Record<string, string> = { opts: "ro quiet", root: "hd0,1" };
 * const lookup = (name: string) => values[name] ?? "";
 * assert.deepEqual(wordsOf("linux ($root)/vmlinuz $opts $none 'a b'", lookup), [
 *   ...["linux", "(hd0,1)/vmlinuz", "ro", "quiet", "a b"],
 * ]);
 * ```
 */
export function wordsOf(line: string, lookup: Lookup): string[] {
  const words: string[] = [];
  let word: string | undefined, quote = "";
  for (let rest = line; rest !== "";) {
    const [character = ""] = rest, variable = quote === "'" ? null : VARIABLE.exec(rest);
    let length = 1;
    if (variable) {
      const value = lookup(variable[1] ?? variable[2] ?? "");
      length = variable[0].length;
      if (quote === "") {
        // outside of quotes, a value may be several words, or none
        const [first = "", ...more] = value.split(/\s+/);
        if (value !== "") word = (word ?? "") + first;
        for (const next of more) {
          if (word) words.push(word);
          word = next === "" ? undefined : next;
        }
      } else word = (word ?? "") + value;
    } else if (character === "\\" && quote !== "'" && rest.length > 1) {
      word = (word ?? "") + rest[1];
      length = 2;
    } else if (character === quote) quote = "";
    else if (quote === "" && (character === "'" || character === '"')) {
      quote = character;
      word ??= "";
    } else if (quote === "" && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === "" && character === "#" && word === undefined) break;
    else word = (word ?? "") + character;
    rest = rest.slice(length);
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** One argument of a kernel's command line: GRUB quotes those with blanks, and so does the kernel expect it. */
export function quoted(argument: string): string {
  return /\s/.test(argument) ? `"${argument}"` : argument;
}
