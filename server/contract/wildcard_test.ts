import assert from "node:assert/strict";
import { hasWildcard, matchesWildcard, withoutEscapes } from "./wildcard.ts";

Deno.test("patterns match as in a shell, and a backslash makes the next character literal", () => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ["web@1.torrent", ["web@1.torrent"], ["web@1.torren", "web@1.torrents", ""]],
    ["web@*.torrent", ["web@1.torrent", "web@10.torrent", "web@.torrent"], [
      "db@1.torrent",
      "web@1.torrents",
    ]],
    ["*", ["", "a", "web@1.torrent"], []],
    ["**a*b", ["ab", "xaxb", "aab"], ["ba", "a", ""]],
    ["web@?.torrent", ["web@1.torrent"], ["web@10.torrent", "web@.torrent"]],
    ["a\\*", ["a*"], ["ab", "a\\*"]],
    ["[ab]", ["[ab]"], ["a", "b"]],
    ["", [""], ["a"]],
  ];
  for (const [pattern, yes, no] of cases) {
    for (const name of yes) assert(matchesWildcard(name, pattern), `${pattern} ${name}`);
    for (const name of no) assert(!matchesWildcard(name, pattern), `${pattern} ${name}`);
  }
  assert(hasWildcard("a*") && hasWildcard("?") && !hasWildcard("a\\*b"));
  assert.equal(withoutEscapes("a\\*b\\\\"), "a*b\\");
});

Deno.test("a pattern made to be slow is matched in time", () => {
  assert(!matchesWildcard("a".repeat(250), "a*".repeat(2000) + "b"));
});
