import assert from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "#torrent/metainfo/hex.ts";
import { type ByteSource, int32, long, readInt32, readLong, readVarint, readVarlong } from "./integers.ts";
import { readShortint, shortint, varint, varlong, WireError } from "./integers.ts";

/** A source of these bytes and no more. */
function sourceOf(bytes: Uint8Array): ByteSource & { left: number } {
  let at = 0;
  return {
    get left() {
      return bytes.length - at;
    },
    take(length) {
      if (at + length > bytes.length) return Promise.reject(new WireError("no more"));
      return Promise.resolve(bytes.slice(at, at += length));
    },
  };
}

Deno.test("integers are encoded as rsync encodes them", () => {
  const cases: [bytes: Uint8Array, hex: string][] = [
    [varint(0), "00"],
    [varint(0x7f), "7f"],
    [varint(0x80), "8080"],
    [varint(0x3fff), "bfff"],
    [varint(0x4000), "c00040"],
    [varint(-1), "f0ffffffff"],
    [varlong(0, 3), "000000"],
    [varlong(0x123456, 3), "125634"],
    [varlong(700_000, 3), "0a60ae"],
    [varlong(0x800000, 3), "80000080"],
    [varlong(1_700_000_000, 4), "6500f153"],
    [long(5, { protocol: 29 }), "05000000"],
    [long(2 ** 32, { protocol: 29 }), "ffffffff0000000001000000"],
    [int32(-2), "feffffff"],
    [shortint(0xa001), "01a0"],
  ];
  for (const [bytes, hex] of cases) assert.equal(toHex(bytes), hex);
});

Deno.test("every integer survives encoding, and nothing after it is read", async () => {
  const sizes = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
  const int = fc.oneof(fc.integer(), fc.nat(300));
  await fc.assert(
    fc.asyncProperty(int, sizes, fc.constantFrom(27, 29, 30, 31), async (value, size, protocol) => {
      const check = async <T>(bytes: Uint8Array, read: (source: ByteSource) => Promise<T>, wanted: T) => {
        const source = sourceOf(Buffer.concat([bytes, Uint8Array.of(1)]));
        assert.equal(await read(source), wanted);
        assert.equal(source.left, 1);
        await assert.rejects(read(sourceOf(bytes.subarray(0, -1))), WireError);
      };
      await check(int32(value), readInt32, value);
      await check(varint(value), readVarint, value);
      await check(shortint(value & 0xffff), readShortint, value & 0xffff);
      await check(long(size, { protocol }), (source) => readLong(source, { protocol }), size);
      for (const min of [3, 4]) {
        await check(varlong(size, min), (source) => readVarlong(source, min), size);
      }
    }),
  );
});

Deno.test("an integer with more bytes than its type is refused", async () => {
  for (const head of [0xf8, 0xfc, 0xff, 0xf1]) {
    const bytes = new Uint8Array(12).fill(0xff);
    bytes[0] = head;
    await assert.rejects(readVarint(sourceOf(bytes)), WireError);
  }
  await assert.rejects(readVarlong(sourceOf(new Uint8Array(12).fill(0xff)), 3), WireError);
});
