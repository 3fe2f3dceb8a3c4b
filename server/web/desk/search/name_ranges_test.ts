import assert from "node:assert/strict";
import * as fc from "fast-check";
import { namesIn, rangesOf } from "./name_ranges.ts";

Deno.test("names of one series are written as ranges", () => {
  const cases: [names: string[], text: string][] = [
    [["n1", "n2", "n3", "gpu"], "n[1-3],gpu"],
    [["n1"], "n1"],
    [["n1", "n3", "n4"], "n[1,3-4]"],
    [["n008", "n009", "n010", "n100"], "n[008-010],n100"],
    [["r1n1", "r1n2", "r2n1"], "r1n[1-2],r2n1"],
    [["a1-x", "a2-x"], "a[1-2]-x"],
  ];
  for (const [names, text] of cases) assert.equal(rangesOf(names).join(), text);
});

Deno.test("ranges name the same nodes again, whatever their names are", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}[0-9]{0,4}$/);
  fc.assert(fc.property(fc.array(name, { maxLength: 40 }), (names) => {
    assert.deepEqual(namesIn(rangesOf(names).join()).sort(), [...new Set(names)].sort());
  }));
});
