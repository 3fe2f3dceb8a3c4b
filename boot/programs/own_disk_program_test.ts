import assert from "node:assert/strict";
import { efiApplication, ownDiskProgram } from "./own_disk_program.ts";

Deno.test("the program is a PE32+ application for x64 whose entry point is its code", () => {
  const file = ownDiskProgram();
  const view = new DataView(file.buffer);
  const header = view.getUint32(0x3c, true), optional = header + 24;
  assert.equal(new TextDecoder().decode(file.subarray(header, header + 4)), "PE\0\0");
  assert.equal(view.getUint16(header + 4, true), 0x8664);
  assert.equal(view.getUint16(optional, true), 0x20b);
  assert.equal(view.getUint16(optional + 68, true), 10);
  const section = optional + view.getUint16(header + 20, true);
  const [size, address, , at] = [8, 12, 16, 20].map((field) => view.getUint32(section + field, true));
  assert.equal(view.getUint32(optional + 16, true), address);
  // mov eax, 14 … ret
  assert.deepEqual([file[at as number], file[at as number + (size as number) - 1]], [0xb8, 0xc3]);
});

Deno.test("code that does not fit is refused", () => {
  assert.equal(efiApplication(Array(512).fill(0x90)).length, 1024);
  assert.throws(() => efiApplication(Array(513).fill(0x90)), RangeError);
});
