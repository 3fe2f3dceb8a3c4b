/**
 * Fuzzes the faulty decoders, and prints the kinds of failure found as JSON. A program of its own: `terminate` does not
 * stop a worker that is in an endless loop, so it would take a processor until the whole test run ends.
 */
import { fuzz } from "./harness.ts";

const table = new URL("./decoders/faulty.ts", import.meta.url).href;
const [seed = "0"] = Deno.args;
const found = await Array.fromAsync(
  fuzz({ table, inputs: 3000, seed: Number(seed), limitMs: 2000, limitBytes: 256 << 20 }),
  ({ failure = "" }) => /: (hang|memory|TypeError)/.exec(failure)?.[1],
);
console.log(JSON.stringify(found));
Deno.exit(0);
