import assert from "node:assert/strict";
import { parseWipefs } from "./disk_content.ts";

Deno.test("signatures, with the labels of file systems as they are", () => {
  const text = [
    "# offset,uuid,label,type",
    '0x0,9f81c5ed-b4f4-4f45-9422-f1549b8ae60c,MY\\x20DA,T"A,xfs',
    "0x438,0e66c2d3-4660-4b86-8e2c-c3660308f8b8,\\xc3\\x84\\x20x\\x5cy,ext4",
    "0x1fe,,,dos",
    "",
  ].join("\n");
  assert.deepEqual(parseWipefs(text), [
    { type: "xfs", label: 'MY DA,T"A' },
    { type: "ext4", label: "Ä x\\y" },
    { type: "dos", label: "" },
  ]);
});

for (const text of ["", "wipefs: error", "a,b,c", "0x0,u,l,"]) {
  Deno.test(`nothing is found in ${JSON.stringify(text)}`, () => assert.deepEqual(parseWipefs(text), []));
}
