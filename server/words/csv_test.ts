import assert from "node:assert/strict";
import fc from "fast-check";
import { formatCsv, parseCsv } from "./csv.ts";

const cellsOf = (text: string) => parseCsv(text).map(({ cells }) => cells);

Deno.test("any cells survive being written and read", () => {
  const cell = fc.oneof(
    fc.string(),
    fc.constantFrom("=1+1", "'=x", "''=x", "@a", "-", "+1", '"', '""', ",", "\r\n", "'", "\t", "a\rb"),
  );
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
  fc.assert(fc.property(rows, (table) => assert.deepEqual(cellsOf(formatCsv(table)), table)));
});

Deno.test("what a spreadsheet would run as a formula is written with an apostrophe before it", () => {
  assert.equal(formatCsv([["=HYPERLINK(1)", "n1"], ["-1", "@x"]]), "'=HYPERLINK(1),n1\r\n'-1,'@x\r\n");
});

Deno.test("either line end, a mark before UTF-8, empty lines and a missing last line end are read", () => {
  const expected = [["name", "mac"], ["n1", ""]];
  for (
    const text of ["name,mac\nn1,\n", "name,mac\r\nn1,", "\ufeffname,mac\r\n\r\nn1,\r\n", "name,mac\rn1,\r"]
  ) {
    assert.deepEqual(cellsOf(text), expected, JSON.stringify(text));
  }
  assert.deepEqual([parseCsv(""), parseCsv("\n\n")], [[], []]);
});

Deno.test("rows know their line, also after a cell of several lines; a bad quote is named with its line", () => {
  assert.deepEqual(parseCsv('a,b\n"x\ny",1\n\nc,d\n').map(({ line }) => line), [1, 2, 5]);
  assert.throws(() => parseCsv('a\nb,c"d\n'), /line 2:/);
  assert.throws(() => parseCsv('a\nb,"c\nd\n'), /line 2:/);
  assert.throws(() => parseCsv('a,"b"c\n'), /line 1:/);
});
