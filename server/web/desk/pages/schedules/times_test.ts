import assert from "node:assert/strict";
import { cronOf, runsOf, timesOf } from "./times.ts";

const SAME = [
  "0 3 * * *",
  "30 20 * * 6",
  "0 3 * * 1-5",
  "15 2 * * 0,6",
  "5 4 * * 0-2,4",
  "0 12 31 * *",
  "59 * * * *",
  "*/15 * * * *",
  "0 3 1 * 1",
  "0 3 1 6 *",
  "0 3 * * mon",
  "61 3 * * *",
  "0 25 * * *",
  "0 3 0 * *",
  "whatever",
];
for (const cron of SAME) {
  Deno.test(`the form's words for "${cron}" stand for the same times`, () =>
    assert.equal(cronOf(timesOf(cron)), cron));
}

Deno.test("what the form has words for is shown by them, anything else as an expression", () => {
  assert.deepEqual(
    SAME.map((cron) => timesOf(cron).often).join(" "),
    "daily weekly weekly weekly weekly monthly hourly cron cron cron cron cron cron cron cron",
  );
  assert.deepEqual([timesOf("@daily").clock, timesOf("@weekly").days, timesOf("@monthly").dayOfMonth], [
    "00:00",
    [0],
    "1",
  ]);
  assert.deepEqual(timesOf("0 3 * * 5-7").days, [0, 5, 6]);
  assert.deepEqual(runsOf([6, 1, 2, 0]), [[0, 1, 2], [6]]);
});

Deno.test("without a day of the week there is no time", () =>
  assert.equal(cronOf({ ...timesOf("0 3 * * 1"), days: [] }), ""));
