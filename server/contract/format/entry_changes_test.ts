import assert from "node:assert/strict";
import { bytePathOfText, comparePaths } from "./byte_path.ts";
import { type Entry, formatHashedEntry, type HashedExtent } from "./entry.ts";
import { EntryChanges, EntryPatch } from "./entry_changes.ts";

/** "a" is an entry of that path, "a!" the same one changed. */
function entryOf(text: string): Entry<HashedExtent> {
  const path = bytePathOfText(text.replace("!", ""));
  const mode = text.endsWith("!") ? 0o700 : 0o755;
  return { type: "directory", path, mode, uid: 0, gid: 0, mtimeSec: 1, mtimeNs: 2, xattrs: [] };
}

const lineOf = (text: string) => ({ path: entryOf(text).path, line: formatHashedEntry(entryOf(text)) });

function linesFor(parent: readonly string[], now: readonly string[]): string[] {
  const changes = new EntryChanges(parent.map(lineOf));
  return [...now.flatMap((text) => changes.add(lineOf(text))), ...changes.end()];
}

function entriesFrom(parent: readonly string[], lines: readonly string[]): Entry<HashedExtent>[] {
  const patch = new EntryPatch(() => parent.map(entryOf));
  return lines.flatMap((line) => [...patch.apply(line)].map(({ entry }) => entry));
}

const short = (line: string) => /"path":"([^"]*)".*"mode":(\d+)/.exec(line)?.slice(1).join(" ") ?? line;

const cases: [what: string, parent: string, now: string, sent: string[]][] = [
  ["nothing changed", "a b c", "a b c", ['{"keep":3}']],
  ["one in the middle changed", "a b c", "a b! c", ['{"keep":1}', '{"drop":1}', "b 448", '{"keep":1}']],
  ["one is gone", "a b c", "a c", ['{"keep":1}', '{"drop":1}', '{"keep":1}']],
  ["the last are gone", "a b c", "a", ['{"keep":1}']],
  ["one is new", "a c", "a b c", ['{"keep":1}', "b 493", '{"keep":1}']],
  ["all is new", "", "a b", ["a 493", "b 493"]],
  ["some gone, then one changed", "a b c d", "c! d", ['{"drop":3}', "c 448", '{"keep":1}']],
  ["new at the end", "a", "a b", ['{"keep":1}', "b 493"]],
];

for (const [what, parent, now, sent] of cases) {
  Deno.test(`entries sent as changes: ${what}`, () => {
    const split = (text: string) => text.split(" ").filter((t) => t !== "");
    const lines = linesFor(split(parent), split(now));
    assert.deepEqual(lines.map(short), sent);
    assert.deepEqual(entriesFrom(split(parent), lines), split(now).map(entryOf));
  });
}

Deno.test("any changes are read back as the same entries", () => {
  const names = Array.from({ length: 40 }, (_, i) => `${"abcd"[i % 4]}/${i}`);
  for (let run = 0; run < 300; run++) {
    const pick = () =>
      names.filter(() => Math.random() < 0.7).map((n) => Math.random() < 0.2 ? `${n}!` : n)
        .toSorted((a, b) => comparePaths(entryOf(a).path, entryOf(b).path));
    const parent = pick(), now = pick();
    assert.deepEqual(entriesFrom(parent, linesFor(parent, now)), now.map(entryOf));
  }
});

for (const line of ['{"keep":4}', '{"keep":0}', '{"keep":-1}', '{"keep":1.5}', '{"keep": 1}', "3", ""]) {
  Deno.test(`a malformed change is refused: ${line}`, () => {
    assert.throws(() => entriesFrom(["a", "b", "c"], [line]));
  });
}
