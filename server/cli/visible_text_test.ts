import assert from "node:assert/strict";
import { visible, visibleLine } from "./visible_text.ts";

const cases: [what: string, text: string, shown: string][] = [
  ["plain text", "n1 installs web@3, 40 %", "n1 installs web@3, 40 %"],
  ["letters of any script", "größe 大小 размер 🙂", "größe 大小 размер 🙂"],
  ["a colour", "\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"],
  ["a window title", "\x1b]0;owned\x07", "\\u001b]0;owned\\u0007"],
  ["an 8-bit control sequence", "\x9b2J", "\\u009b2J"],
  ["a carriage return that hides the text before it", "failed\rdone  ", "failed\\u000ddone  "],
  ["backspaces and DEL", "a\b\x7f", "a\\u0008\\u007f"],
  ["text that runs from right to left", "ab\u202edc", "ab\\u202edc"],
];
for (const [what, text, shown] of cases) {
  Deno.test(`on a terminal: ${what}`, () => {
    assert.equal(visible(text), shown);
    assert.equal(visibleLine(text), shown);
  });
}

Deno.test("text keeps its line feeds, a single line has them escaped", () => {
  assert.equal(visible("a\n\tb"), "a\n\tb");
  assert.equal(visibleLine("ok\nState: running"), "ok\\u000aState: running");
});

Deno.test("JSON stays JSON with the same meaning", () => {
  const value = { log: ["\x9b2J\u202e\x7f\x1b"] };
  assert.deepEqual(JSON.parse(visible(JSON.stringify(value))), value);
});
