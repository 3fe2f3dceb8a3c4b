import assert from "node:assert/strict";
import { textDiff } from "./text_diff.ts";

const side = (name: string, text: string | undefined) => ({ name, text });

Deno.test("texts are compared line by line, with three lines of context", () => {
  const lines = (changed: string) => ["a", "b", "c", "d", changed, "e", "f", "g", "h"].join("\n") + "\n";
  assert.deepEqual(textDiff(side("old", lines("x")), side("new", lines("y"))), {
    isWhole: false,
    diff: "--- old\n+++ new\n@@ -2,7 +2,7 @@\n b\n c\n d\n-x\n+y\n e\n f\n g\n",
  });
});

Deno.test("a side that is not there is empty, and a missing line end is told", () => {
  const { diff } = textDiff(side("old", undefined), side("new", "one"));
  assert.equal(diff, "--- old\n+++ new\n@@ -0,0 +1,1 @@\n+one\n\\ No newline at end of file\n");
  assert.equal(textDiff(side("old", "a"), side("new", "a")).diff, "");
});

Deno.test("texts with nothing in common do not hold up the server", () => {
  const text = (letter: string) => Array.from({ length: 25_000 }, (_, i) => `${letter}${i}\n`).join("");
  const started = performance.now();
  const { diff, isWhole } = textDiff(side("old", text("a")), side("new", text("b")));
  assert.ok(performance.now() - started < 1500);
  assert.ok(isWhole);
  const lines = diff.split("\n");
  assert.deepEqual(lines.slice(0, 4), ["--- old", "+++ new", "@@ -1,25000 +1,25000 @@", "-a0"]);
  assert.equal(lines.length, 3 + 50_000 + 1);
});
