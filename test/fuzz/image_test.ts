/** Every decoder of the image side turns attacks down by its documented error, soon and with little memory. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decoders } from "./decoders/image.ts";

const SEED = 20_261;
const RUNS = 300;
/** The slowest of these takes 30 ms on an idle machine. */
const LIMIT_MS = 2000;
const MEMORY_BYTES = 512 << 20;

for (const { name, inputs, decode, refuses = () => false } of decoders) {
  Deno.test(`fuzz: ${name}`, async () => {
    const before = Deno.memoryUsage().rss;
    let slowest = 0;
    await fc.assert(
      fc.asyncProperty(inputs, async (input) => {
        const started = performance.now();
        try {
          await decode(input);
        } catch (error) {
          if (!refuses(error)) throw error;
        }
        slowest = Math.max(slowest, performance.now() - started);
        assert(slowest < LIMIT_MS, `it took ${slowest.toFixed(0)} ms`);
      }),
      { seed: SEED, numRuns: RUNS },
    );
    const grown = Deno.memoryUsage().rss - before;
    assert(grown < MEMORY_BYTES, `memory grew by ${(grown / 1e6).toFixed(0)} MB`);
  });
}
