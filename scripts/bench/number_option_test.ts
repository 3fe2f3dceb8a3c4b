import assert from "node:assert/strict";
import { parseNumber } from "./number_option.ts";

Deno.test("a bench accepts only plain numbers above 0", () => {
  assert.deepEqual(["200", "0.5", "1"].map((text) => parseNumber("rate", text)), [200, 0.5, 1]);
  for (const text of ["200mbit", "", "0", "-1", "1e3", "Infinity", "NaN", " 1", "9".repeat(20)]) {
    assert.throws(() => parseNumber("rate", text), /^RangeError: --rate .*Remedy: /, text);
  }
});

Deno.test("with a range, a bench accepts only whole numbers in it", () => {
  const range = { least: 0, most: 9 };
  assert.deepEqual(["0", "9", "3.0"].map((text) => parseNumber("installs", text, range)), [0, 9, 3]);
  for (const text of ["10", "2.5", "-1", "", "three"]) {
    assert.throws(
      () => parseNumber("installs", text, range),
      /not a whole number from 0 to 9\. Remedy: /,
      text,
    );
  }
});

const refused: [script: string, args: string[], fault: RegExp][] = [
  ["swarm.ts", ["--rate", "200mbit"], /--rate 200mbit: not a number/],
  ["layouts.ts", ["--installs", "10"], /--installs 10: not a whole number from 1 to 9/],
  ["layouts.ts", ["--data", "1000"], /--data 1000: not a whole number from 0 to 999/],
];

for (const [script, args, fault] of refused) {
  Deno.test(`the bench ${script} refuses ${args.join(" ")} before it measures anything`, async () => {
    const path = new URL(script, import.meta.url).pathname;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", path, ...args],
      stdout: "null",
      // what is not refused would run for minutes
      signal: AbortSignal.timeout(60_000),
    }).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), fault);
  });
}
