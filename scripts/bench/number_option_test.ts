import assert from "node:assert/strict";
import { parseNumber } from "./number_option.ts";

Deno.test("a bench accepts only plain numbers above 0", () => {
  assert.deepEqual(["200", "0.5", "1"].map((text) => parseNumber("rate", text)), [200, 0.5, 1]);
  for (const text of ["200mbit", "", "0", "-1", "1e3", "Infinity", "NaN", " 1", "9".repeat(20)]) {
    assert.throws(() => parseNumber("rate", text), /^RangeError: --rate .*Remedy: /, text);
  }
});

Deno.test("a bench refuses a rate with a unit before it measures anything", async () => {
  const script = new URL("./swarm.ts", import.meta.url).pathname;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, "--rate", "200mbit"],
    stdout: "null",
  }).output();
  assert.equal(code, 2);
  assert.match(new TextDecoder().decode(stderr), /--rate 200mbit: not a number/);
});
