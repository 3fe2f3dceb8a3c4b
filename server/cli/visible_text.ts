/**
 * Text that others wrote, made safe for a terminal. Names, messages and logs come from nodes and images; printed as
 * they are, their control characters would move the cursor, recolour or retitle the terminal, or type into it
 * (ECMA-48; CVE-2003-0063 and its kin).
 */

/** C0 but for tab and line feed, DEL, C1, and what changes the order in which text is shown (UAX #9). */
// deno-lint-ignore no-control-regex
const HIDDEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;
// deno-lint-ignore no-control-regex
const HIDDEN_OR_BREAK = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/** Control characters as JSON writes them ("\u001b"); line feeds and tabs stay. */
export function visible(text: string): string {
  return text.replace(HIDDEN, escaped);
}

/** The same in one line: a line feed in it cannot begin a line that looks like ours. */
export function visibleLine(text: string): string {
  return text.replace(HIDDEN_OR_BREAK, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
