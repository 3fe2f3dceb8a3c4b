import assert from "node:assert/strict";
import { isElf, parseElf, readSection, setInterpreter } from "./elf.ts";

const loader = "/lib64/ld-linux-x86-64.so.2";

/**
 * A program with three program headers (PT_INTERP, PT_LOAD over the whole file, PT_DYNAMIC) and a `.modinfo`
 * section.
 */
function program(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(0x400);
  const view = new DataView(bytes.buffer);
  const u16 = (at: number, value: number) => view.setUint16(at, value, true);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  text(0, "\x7fELF\x02\x01\x01");
  u64(0x20, 0x40);
  u64(0x28, 0x300);
  u16(0x36, 56);
  u16(0x38, 3);
  u16(0x3a, 64);
  u16(0x3c, 3);
  u16(0x3e, 1);
  const address = 0x10000;
  const header = (index: number, [type, offset, size]: [number, number, number]) => {
    const at = 0x40 + index * 56;
    u32(at, type);
    u64(at + 8, offset);
    u64(at + 16, address + offset);
    u64(at + 32, size);
  };
  header(0, [3, 0x100, loader.length + 1]);
  header(1, [1, 0, 0x300]);
  header(2, [2, 0x180, 0x60]);
  text(0x100, `${loader}\0`);
  const strings = 0x200;
  text(strings, "\0libc.so.6\0$ORIGIN/../lib:/opt/lib\0libm.so.6\0");
  const dynamic: [number, number][] = [[1, 1], [1, 35], [29, 11], [5, address + strings], [0, 0]];
  dynamic.forEach(([tag, value], index) => {
    u64(0x180 + index * 16, tag);
    u64(0x188 + index * 16, value);
  });
  text(0x260, "\0.shstrtab\0.modinfo\0");
  text(0x280, "license=GPL\0firmware=a/b.fw\0");
  const section = (index: number, [name, offset, size]: [number, number, number]) => {
    u32(0x300 + index * 64, name);
    u64(0x318 + index * 64, offset);
    u64(0x320 + index * 64, size);
  };
  section(1, [1, 0x260, 0x20]);
  section(2, [11, 0x280, 28]);
  return bytes;
}

Deno.test("interpreter, needed libraries and search paths of a program are read", () => {
  assert.deepEqual(parseElf(program()), {
    interpreter: { path: loader, offset: 0x100, sizeBytes: 28 },
    needed: ["libc.so.6", "libm.so.6"],
    rpath: [],
    runpath: ["$ORIGIN/../lib", "/opt/lib"],
  });
});

Deno.test("a section is found by its name", () => {
  assert.equal(
    new TextDecoder().decode(readSection(program(), ".modinfo")),
    "license=GPL\0firmware=a/b.fw\0",
  );
  assert.equal(readSection(program(), ".text"), undefined);
});

Deno.test("the Deno runtime itself names its loader and the C library", async () => {
  const own = await Deno.readFile(Deno.execPath());
  const { interpreter, needed } = parseElf(own);
  assert.equal(interpreter?.path, loader);
  assert.ok(needed.includes("libc.so.6"));
});

Deno.test("a shorter loader path is written in place; a longer one is refused", () => {
  const bytes = program();
  setInterpreter(bytes, "/rs/ld-linux-x86-64.so.2");
  assert.equal(parseElf(bytes).interpreter?.path, "/rs/ld-linux-x86-64.so.2");
  assert.equal(bytes.length, program().length);
  assert.throws(() => setInterpreter(bytes, `/a${loader}`), RangeError);
});

Deno.test("a damaged file is read or refused, and never read past its end", () => {
  const whole = program();
  for (let end = 0; end < whole.length; end++) readOrRefuse(whole.subarray(0, end));
  for (let at = 4; at < 0x400; at++) {
    for (const value of [0xff, 0x80, 0x7f]) {
      const damaged = program();
      damaged[at] = value;
      readOrRefuse(damaged);
    }
  }
  assert.equal(isElf(new Uint8Array([1, 2, 3, 4])), false);
  assert.throws(() => parseElf(new Uint8Array(64)), /not an ELF64/);
});

/** Fails on anything but a plain Error, such as a RangeError from DataView. */
function readOrRefuse(bytes: Uint8Array): void {
  for (const read of [() => parseElf(bytes), () => readSection(bytes, ".modinfo")]) {
    try {
      read();
    } catch (error) {
      assert.equal((error as Error).constructor, Error, String(error));
    }
  }
}
