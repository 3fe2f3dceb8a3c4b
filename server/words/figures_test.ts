import assert from "node:assert/strict";
import { formatBytes, formatCount, formatSeconds, percent } from "./figures.ts";
import { Rate } from "../cli/rate.ts";

Deno.test("figures are short, and a percentage never rounds up to 100", () => {
  const bytes: [number, string][] = [[0, "0 B"], [999, "999 B"], [1000, "1.00 kB"], [12_345_678, "12.3 MB"], [
    999_960_000,
    "1.00 GB",
  ]];
  for (const [value, text] of bytes) assert.equal(formatBytes(value), text);
  assert.deepEqual([7.4, 65, 3600 * 2 + 420].map(formatSeconds), ["7 s", "1 min 05 s", "2 h 07 min"]);
  assert.equal(formatCount(1234567), "1 234 567");
  assert.deepEqual([percent(999, 1000), percent(1000, 1000), percent(0, 0)], [99, 100, 0]);
});

Deno.test("the rate covers the last seconds and predicts the time left", () => {
  const rate = new Rate();
  rate.add(0, 0);
  assert.equal(rate.perSecond, undefined);
  for (let s = 1; s <= 20; s++) rate.add(s <= 10 ? s * 100 : 1000 + (s - 10) * 10, s * 1000);
  assert.equal(Math.round(rate.perSecond ?? 0), 10);
  assert.equal(Math.round(rate.secondsLeft(1200) ?? 0), 10);
});
