/**
 * Fuzzes every decoder of data from the network, disks and images with hostile inputs: lengths, signs, nesting,
 * repetition, truncation. Fails if a decoder hangs, throws an unexpected error, or leaks memory.
 *
 *     deno task bench fuzz [--inputs N] [--seed N] [--decoder NAME]
 *
 *     --inputs   total number of inputs                              (100000)
 *     --seed     the same seed gives the same inputs                 (1)
 *     --decoder  only decoders with NAME in their names
 */
import { parseArgs } from "node:util";
import { fuzz } from "../../test/fuzz/harness.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    decoder: { type: "string", default: "" },
  },
});
const inputs = Number(values.inputs), seed = Number(values.seed);
if (!Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed)) {
  console.error("error: --inputs and --seed must be whole numbers. Remedy: e.g. --inputs 1000000 --seed 7.");
  Deno.exit(2);
}

const row = (cells: readonly (string | number)[]) =>
  console.log(cells.map((cell, i) => i === 0 ? String(cell).padEnd(36) : String(cell).padStart(11)).join(""));
row(["decoder", "inputs", "accepted", "refused", "slowest ms", "grown MiB"]);
const failures: string[] = [];
let total = 0;
for await (const result of fuzz({ inputs, seed, only: values.decoder })) {
  total += result.inputs;
  const grown = Math.round(result.grownBytes / (1 << 20));
  row([
    result.decoder,
    result.inputs,
    result.accepted,
    result.refused,
    result.slowestMs.toFixed(1),
    grown,
  ]);
  if (result.failure !== undefined) failures.push(result.failure);
}
console.log(`${total} inputs, seed ${seed}: ${failures.length} decoders failed`);
for (const failure of failures) console.error(`\n${failure}`);
Deno.exit(failures.length > 0 ? 1 : 0);
