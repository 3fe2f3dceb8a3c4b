import assert from "node:assert/strict";
import type { SeedPolicy } from "#contract/api/distribution.ts";
import { formatSeedPolicy, parseSeedPolicy } from "./seed_text.ts";

const policies: [text: string, policy: SeedPolicy, shown: string][] = [
  ["none", { mode: "none" }, "not at all"],
  ["while-needed", { mode: "while-needed", seconds: 3600 }, "while needed, 1 h 00 min at most"],
  ["while-needed:30min", { mode: "while-needed", seconds: 1800 }, "while needed, 30 min 00 s at most"],
  ["for:45s", { mode: "for", seconds: 45 }, "for 45 s"],
  ["for:7d", { mode: "for", seconds: 604_800 }, "for 168 h 00 min"],
];
for (const [text, policy, shown] of policies) {
  Deno.test(`the seeding policy "${text}" is parsed and shown`, () => {
    assert.deepEqual(parseSeedPolicy(text), policy);
    assert.equal(formatSeedPolicy(policy), shown);
  });
}

for (
  const text of ["", "for", "ever", "for:", "for:10", "for:0s", "for:8d", "while-needed:1.5h", "none:5s"]
) {
  Deno.test(`"${text}" is not a seeding policy, and the error shows one`, () => {
    assert.throws(() => parseSeedPolicy(text), /for instance (for:10min|30min)/);
  });
}
