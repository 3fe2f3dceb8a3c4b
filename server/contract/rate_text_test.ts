import assert from "node:assert/strict";
import { formatRate, parseRate } from "./rate_text.ts";

const rates: [text: string, bytesPerSecond: number][] = [
  ["800mbit", 100e6],
  ["800 Mbit/s", 100e6],
  ["1gbit", 125e6],
  ["2.5Gbit", 312.5e6],
  ["64kbit", 8000],
  ["100MB/s", 100e6],
  ["100MB", 100e6],
  ["1.5 GB/s", 1.5e9],
  ["512kB", 512e3],
  ["512KB/s", 512e3],
  ["10MiB/s", 10 * 2 ** 20],
  [" 5000B/s ", 5000],
];
for (const [text, bytesPerSecond] of rates) {
  Deno.test(`the rate "${text}" is ${bytesPerSecond} bytes per second`, () => {
    assert.equal(parseRate(text), bytesPerSecond);
  });
}

for (
  const text of [
    "",
    "fast",
    "100",
    "100mb",
    "100mbps",
    "100Mb/s",
    "-5MB",
    "1e3MB",
    "MB/s",
    "1MB/min",
    "1,5MB",
  ]
) {
  Deno.test(`"${text}" is not a rate, and the error shows one`, () => {
    assert.throws(() => parseRate(text), /800mbit or 100MB\/s/);
  });
}

Deno.test("a rate that would stop everything, or limit nothing, is refused", () => {
  for (const text of ["0MB", "999B", "7kbit", "1001GB"]) {
    assert.throws(() => parseRate(text), /must be between/);
  }
});

Deno.test("a formatted rate can be typed in again", () => {
  for (const [shown, rate] of [["800 Mbit/s", 100e6], ["1 Gbit/s", 125e6], ["8 kbit/s", 1000]] as const) {
    assert.equal(formatRate(rate), shown);
    assert.equal(parseRate(shown), rate);
  }
});
