import assert from "node:assert/strict";
import { nextStep, type PartState, type RunStep } from "./run_plan.ts";

const STATES: Readonly<Record<string, PartState>> = {
  w: "waiting",
  o: "ordered",
  b: "begun",
  d: "done",
  f: "failed",
  c: "cancelled",
};
/** "wwd": nodes 0, 1 and 2 in these states. */
const partsOf = (text: string) =>
  [...text].map((letter, i) => ({ node: String(i), state: STATES[letter] ?? assert.fail(letter) }));

interface Case {
  readonly batch?: number;
  readonly stopAfter?: number;
  readonly mayBegin?: boolean;
}
const step = (begin: string, takeBack: string, end?: RunStep["end"]): RunStep => ({
  begin: [...begin],
  takeBack: [...takeBack],
  ...end && { end },
});

const cases: readonly (readonly [what: string, parts: string, given: Case, expected: RunStep])[] = [
  ["all nodes begin at once without batches", "www", {}, step("012", "")],
  ["a first batch begins", "wwww", { batch: 2 }, step("01", "")],
  ["the next batch waits for one that has not booted", "dowww", { batch: 2 }, step("", "")],
  ["the next batch waits for one that is being installed", "dbwww", { batch: 2 }, step("", "")],
  ["the next batch begins when the one before has finished", "dfwww", { batch: 2 }, step("23", "")],
  ["a cancelled node holds up nobody", "dcw", { batch: 2 }, step("2", "")],
  ["a run is done", "ddc", {}, step("", "", "done")],
  ["a run in which nodes failed is over", "dfd", {}, step("", "", "failed")],
  ["a run without nodes is done", "", {}, step("", "", "done")],
  ["nothing begins outside a window", "www", { mayBegin: false }, step("", "")],
  ["at the end of a window what has not booted is taken back", "obwd", { mayBegin: false }, step("", "0")],
  ["what is being installed goes on outside a window", "bb", { mayBegin: false }, step("", "")],
  ["a run also ends outside a window", "dd", { mayBegin: false }, step("", "", "done")],
  ["failures below the limit stop nothing", "fww", { batch: 1, stopAfter: 2 }, step("1", "")],
  [
    "the rest is not begun after too many failures",
    "ffww",
    { batch: 2, stopAfter: 2 },
    step("", "", "stopped"),
  ],
  ["what has not booted is taken back after too many failures", "fobw", { stopAfter: 1 }, step("", "1")],
  ["what is being installed is finished after too many failures", "fbw", { stopAfter: 1 }, step("", "")],
  ["the run stops once that is finished", "fdw", { stopAfter: 1 }, step("", "", "stopped")],
  ["too many failures at the very end stop nothing", "fdd", { stopAfter: 1 }, step("", "", "failed")],
  [
    "one that stops ends outside a window, too",
    "fw",
    { stopAfter: 1, mayBegin: false },
    step("", "", "stopped"),
  ],
];

for (const [what, parts, { batch, stopAfter, mayBegin = true }, expected] of cases) {
  Deno.test(what, () => {
    assert.deepEqual(nextStep(partsOf(parts), { limits: { batch, stopAfter }, mayBegin }), expected);
  });
}
