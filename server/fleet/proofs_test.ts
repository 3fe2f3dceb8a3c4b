import assert from "node:assert/strict";
import type { Verdict } from "#contract/api/rehearsals.ts";
import type { ImageSettings } from "#contract/api/restore.ts";
import { Proofs } from "./proofs.ts";

const verdict = (state: "proved" | "failed"): Verdict => ({
  id: "r1",
  firmware: "uefi",
  by: "ann",
  state,
  ended: "2026-06-30T12:00:00.000Z",
  seconds: 90,
});

type Rule = ImageSettings["rehearsal"];
/** What a deployment of web@2 says, where web@1 has had a verdict if `isRehearsed`. */
const CASES: readonly [
  rule: Rule,
  own: "proved" | "failed" | undefined,
  isRehearsed: boolean,
  says: RegExp | undefined,
][] = [
  [undefined, undefined, false, undefined],
  [
    undefined,
    undefined,
    true,
    /^web@2: no rehearsal has proved that it boots; rackseed image rehearse web@2$/,
  ],
  [undefined, "failed", true, /its rehearsal of 2026-06-30 failed/],
  [undefined, "proved", true, undefined],
  ["warn", undefined, false, /no rehearsal has proved/],
  ["off", "failed", true, undefined],
  ["require", "proved", true, undefined],
];

Deno.test("a version that was not proved is deployed with a warning, or not at all, as its image's settings say", () => {
  const proofs = (
    [rule, own, isRehearsed]: typeof CASES[number] | readonly [Rule, "failed" | undefined, boolean],
  ) =>
    new Proofs({
      verdict: () => own && verdict(own),
      isRehearsed: () => isRehearsed,
      settings: () => rule ? { rehearsal: rule } : {},
    });
  const web2 = { image: "web", version: 2, id: "aa" };
  for (const one of CASES) {
    const said = proofs(one).warningOf(web2);
    if (one[3]) assert.match(said ?? "", one[3]);
    else assert.equal(said, undefined);
  }
  for (const own of [undefined, "failed"] as const) {
    assert.throws(() => proofs(["require", own, true]).warningOf(web2), {
      status: 409,
      title: "cannot deploy web@2",
    });
  }
});
