/** A short run of harness.ts; `deno task bench fuzz --inputs 1000000` is the long one. */
import assert from "node:assert/strict";
import { fuzz } from "./harness.ts";

const INPUTS = 22_000;
const SEED = 20_131;

Deno.test("no decoder hangs, crashes or leaks on 22 000 hostile inputs", async () => {
  const seen = { inputs: 0, accepted: 0, refused: 0 };
  for await (const { decoder, inputs, accepted, refused, failure } of fuzz({ inputs: INPUTS, seed: SEED })) {
    assert.equal(failure, undefined, failure);
    assert.ok(accepted > 0, `${decoder} accepted nothing: its inputs prove little`);
    seen.inputs += inputs;
    seen.accepted += accepted;
    seen.refused += refused;
  }
  assert.ok(seen.inputs >= INPUTS && seen.refused > INPUTS / 10, JSON.stringify(seen));
});

Deno.test("an endless loop, a crash and a leak are found, and reported with the input", async () => {
  const script = new URL("./faulty_run.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, String(SEED)],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(text(stdout).trim(), '["hang","TypeError","memory"]', text(stderr));
});
