/** See harness.ts; `deno task bench fuzz --inputs 1000000` is the long run. */
import assert from "node:assert/strict";
import { fuzz } from "./harness.ts";

const INPUTS = 20_000;
const SEED = 20_131;

Deno.test("no decoder hangs, crashes or grows on 20 000 inputs that attack it", async () => {
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
