/**
 * Makes untrusted text safe for a terminal. Names, messages and logs come from nodes and images; printed raw, their
 * control characters could move the cursor, recolour or retitle the terminal, or type into it (ECMA-48;
 * CVE-2003-0063 and similar).
 */

/** C0 except tab and line feed, DEL, C1, and the characters that reorder displayed text (UAX #9). */
// deno-lint-ignore no-control-regex
const HIDDEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;
// deno-lint-ignore no-control-regex
const HIDDEN_OR_BREAK = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/** Writes control characters as JSON does ("\u001b"); keeps line feeds and tabs. */
export function visible(text: string): string {
  return text.replace(HIDDEN, escaped);
}

/** The same for one line: line feeds are escaped too, so that text cannot forge a line of output. */
export function visibleLine(text: string): string {
  return text.replace(HIDDEN_OR_BREAK, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
