import assert from "node:assert/strict";
import fc from "fast-check";
import { Bitfield } from "./bitfield.ts";
import { decodeHandshake, encodeHandshake } from "./handshake.ts";
import {
  type Block,
  encodeBlockHeader,
  encodedLength,
  encodeMessage,
  MAX_BLOCK_BYTES,
  WireDecoder,
  WireError,
  type WireMessage,
} from "./wire.ts";

const PIECES = 21;
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const flag = fc.constantFrom(
  "keepAlive" as const,
  "choke" as const,
  "unchoke" as const,
  "interested" as const,
  "notInterested" as const,
  "haveAll" as const,
  "haveNone" as const,
).map((type) => ({ type }));
const indexed = fc.record({
  type: fc.constantFrom("have" as const, "suggest" as const, "allowedFast" as const),
  piece: u32,
});
const ranged = fc.record({
  type: fc.constantFrom("request" as const, "cancel" as const, "reject" as const),
  piece: u32,
  begin: u32,
  length: u32,
});
const bitfield = fc.uniqueArray(fc.integer({ min: 0, max: PIECES - 1 })).map((pieces) => {
  const field = new Bitfield(PIECES);
  for (const piece of pieces) field.add(piece);
  return { type: "bitfield" as const, pieces: field };
});
const extended = fc.record({
  type: fc.constant("extended" as const),
  id: fc.integer({ min: 0, max: 255 }),
  payload: fc.uint8Array({ maxLength: 300 }),
});
const message: fc.Arbitrary<WireMessage> = fc.oneof(flag, indexed, ranged, bitfield, extended);
const block = fc.record({ piece: u32, begin: u32, bytes: fc.uint8Array({ minLength: 1, maxLength: 500 }) });

type Seen = WireMessage | (Block & { readonly bytes: Uint8Array });

/** Decodes `stream` in chunks that end at `cuts`. */
function decode(stream: Uint8Array, cuts: readonly number[] = []): Seen[] {
  const seen: Seen[] = [];
  let header: Block = { piece: 0, begin: 0, length: 0 };
  let bytes: number[] = [];
  const decoder = new WireDecoder(PIECES, {
    message: (message) => seen.push(message),
    blockStart: (block) => {
      header = block;
      bytes = [];
    },
    blockData: (data) => bytes.push(...data),
    blockEnd: () => seen.push({ ...header, bytes: Uint8Array.from(bytes) }),
  });
  const ends = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    decoder.push(stream.slice(start, end));
    start = end;
  }
  return seen;
}

function encodeAll(
  items: readonly (WireMessage | { piece: number; begin: number; bytes: Uint8Array })[],
): Uint8Array {
  const parts = items.map((item) => {
    if ("bytes" in item) {
      const part = new Uint8Array(13 + item.bytes.length);
      const into = new DataView(part.buffer);
      encodeBlockHeader({ ...item, length: item.bytes.length }, { into, at: 0 });
      part.set(item.bytes, 13);
      return part;
    }
    const part = new Uint8Array(encodedLength(item));
    assert.equal(encodeMessage(item, { into: new DataView(part.buffer), at: 0 }), part.length);
    return part;
  });
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function plain(item: Seen | { piece: number; begin: number; bytes: Uint8Array }): unknown {
  if ("pieces" in item) return { type: item.type, pieces: item.pieces.toBytes() };
  if ("bytes" in item) return { piece: item.piece, begin: item.begin, bytes: item.bytes };
  return { ...item };
}

Deno.test("any sequence of messages and blocks survives encoding, however the stream is split", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(message, block)), fc.array(fc.nat()), (items, cuts) => {
      assert.deepEqual(decode(encodeAll(items), cuts).map(plain), items.map(plain));
    }),
  );
});

Deno.test("a handshake survives encoding", () => {
  const id = fc.uint8Array({ minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(id, id, fc.boolean(), fc.boolean(), (infoHash, peerId, fast, extended) => {
      const handshake = { infoHash, peerId, fast, extended };
      assert.deepEqual(decodeHandshake(encodeHandshake(handshake)), handshake);
    }),
  );
});

Deno.test("bytes that are not a handshake decode to undefined", () => {
  const good = encodeHandshake({
    infoHash: new Uint8Array(20),
    peerId: new Uint8Array(20),
    fast: true,
    extended: true,
  });
  assert.equal(decodeHandshake(good.subarray(1)), undefined);
  assert.equal(decodeHandshake(good.with(3, 0)), undefined);
});

const refused: [string, number[]][] = [
  ["a choke with a payload", [0, 0, 0, 2, 0, 0]],
  ["a have of two bytes", [0, 0, 0, 3, 4, 0, 0]],
  ["a request without a length", [0, 0, 0, 9, 6]],
  ["a block larger than we ever request", [0, 4, 0, 10, 7]],
  ["an empty block", [0, 0, 0, 9, 7]],
  ["a bitfield that is too long", [0, 0, 0, 5, 5]],
  ["a bitfield with spare bits set", [0, 0, 0, 4, 5, 0, 0, 1]],
  ["an unknown message of 4 GiB", [0xff, 0xff, 0xff, 0xff, 99]],
  ["an extended message of 1 MiB", [0, 0x10, 0, 0, 20]],
];
for (const [what, bytes] of refused) {
  Deno.test(`${what} is refused before its payload is buffered`, () => {
    assert.throws(() => decode(Uint8Array.from(bytes)), WireError);
  });
}

Deno.test("garbage makes the decoder throw WireError and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (garbage) => {
      try {
        decode(garbage);
      } catch (error) {
        assert.ok(error instanceof WireError);
      }
    }),
  );
});

Deno.test("the largest block between Rackseed peers is decoded", () => {
  const bytes = new Uint8Array(MAX_BLOCK_BYTES);
  const header = new Uint8Array(13);
  encodeBlockHeader({ piece: 1, begin: 0, length: bytes.length }, {
    into: new DataView(header.buffer),
    at: 0,
  });
  let received = 0;
  const decoder = new WireDecoder(PIECES, {
    message: () => assert.fail(),
    blockStart: () => {},
    blockData: (data) => received += data.length,
    blockEnd: () => {},
  });
  decoder.push(header);
  decoder.push(bytes);
  assert.equal(received, MAX_BLOCK_BYTES);
});
