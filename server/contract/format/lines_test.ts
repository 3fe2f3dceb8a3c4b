import assert from "node:assert/strict";
import { linesOf } from "./lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("lines are split at their ends, wherever the decoded parts end", () => {
  const long = "ü".repeat(1 << 20);
  for (const lines of [[], [""], ["a", "", "b"], ["x", long, "y", long, ""], Array(300_000).fill("äbc")]) {
    const read = [...linesOf(bytes(lines.map((line) => `${line}\n`).join("")))];
    assert.ok(read.length === lines.length && read.every((line, i) => line === lines[i]));
  }
  const within = bytes("no\na\nb\n").subarray(3);
  assert.deepEqual([...linesOf(within)], ["a", "b"]);
});

Deno.test("a last line without its end is an error, after those before it", () => {
  for (const text of ["a\nb", "b", "a\n".repeat(600_000) + "b"]) {
    const lines = linesOf(bytes(text));
    const read: string[] = [];
    assert.throws(() => {
      for (const line of lines) read.push(line);
    }, RangeError);
    assert.equal(read.length, text.split("\n").length - 1);
  }
});
