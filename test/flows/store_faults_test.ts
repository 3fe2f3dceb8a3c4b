/** Forty of the two hundred faults that `deno task bench faults` inflicts on the data directory. */
import assert from "node:assert/strict";
import { tryFaults } from "../../scripts/bench/faults.ts";

Deno.test({
  name:
    "after any fault of the data directory, no intact version is lost, and the server starts or gives a remedy",
  async fn() {
    const results = new Map<string, number>();
    for await (const { fault, result, detail } of tryFaults(Array.from({ length: 40 }, (_, i) => i * 5))) {
      results.set(result, (results.get(result) ?? 0) + 1);
      assert.notEqual(result, "wrong", `fault ${fault.number} (${fault.kind}): ${detail}`);
    }
    // If all faults had the same outcome, the catalogue would prove nothing.
    for (const result of ["clean start", "started, named", "refused"]) assert.ok(results.get(result), result);
  },
});
