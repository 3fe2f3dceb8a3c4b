import assert from "node:assert/strict";
import { fitsMemory } from "./pack_store.ts";

Deno.test("packs go into memory only if that leaves room for the agent", () => {
  const meminfo = "MemTotal: 1000000 kB\nMemAvailable:    800000 kB\n";
  assert.equal(fitsMemory(300 << 20, meminfo), true);
  assert.equal(fitsMemory(500 << 20, meminfo), false);
  assert.equal(fitsMemory(1, "MemTotal: 1 kB\n"), false);
});
