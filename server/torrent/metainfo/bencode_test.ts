import assert from "node:assert/strict";
import npmBencode from "bencode";
import fc from "fast-check";
import { type Bencodable, BencodeError, bencodeKey, decodeBencode, encodeBencode } from "./bencode.ts";
import { decodeExtendedHandshake } from "../wire/handshake.ts";
import { parseMetainfo } from "./metainfo.ts";
import { parseHttpAnnounce } from "../tracker/tracker_client.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

const ATTACKS: [what: string, text: string][] = [
  ["a string of negative length", "l-3:e"],
  ["a negative length in a dictionary", "d1:a-3:e"],
  ["a negative length as a key", "d-3:i1ee"],
  ["a negative zero as a length", "-0:"],
  ["a length with a plus", "+3:abc"],
  ["a length with a leading zero", "01:a"],
  ["a length that runs past the end", "5:abc"],
  ["a length beyond 32 bits", "99999999999:"],
  ["a length beyond any number", "9".repeat(500) + ":"],
  ["a length without its colon", "3abc"],
  ["an integer without digits", "ie"],
  ["the integer -0", "i-0e"],
  ["an integer with a leading zero", "i01e"],
  ["an integer with a fraction", "i1.5e"],
  ["an integer in exponents", "i1e9e"],
  ["two signs", "i--1e"],
  ["an integer that a number cannot hold", "i9007199254740993e"],
  ["an integer without an end", "i1"],
  ["a list without an end", "l1:a"],
  ["a dictionary without an end", "d1:a1:b"],
  ["a key without its value", "d1:ae"],
  ["an integer as a key", "di1e1:ae"],
  ["a key that occurs twice", "d1:ai1e1:ai2ee"],
  ["bytes after the value", "i1ei2e"],
  ["a hundred thousand nested lists", "l".repeat(100_000)],
  ["a hundred thousand nested lists with their ends", "l".repeat(100_000) + "e".repeat(100_000)],
  ["a hundred thousand empty lists", `l${"le".repeat(100_000)}e`],
  ["nothing", ""],
  ["a lone end", "e"],
  ["text", "hello"],
];

for (const [what, text] of ATTACKS) {
  Deno.test(`${what} is refused at once, by the decoder and by its callers`, () => {
    const bytes = utf8(text);
    const start = performance.now();
    assert.throws(() => decodeBencode(bytes), BencodeError);
    assert.deepEqual(decodeExtendedHandshake(bytes), {});
    assert.throws(() => parseHttpAnnounce(bytes), BencodeError);
    assert.throws(() => parseMetainfo(bytes), /cannot use the torrent file/);
    assert(performance.now() - start < 8000);
  });
}

const values: fc.Arbitrary<Bencodable> = fc.letrec<{ value: Bencodable }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.maxSafeInteger(),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(fc.uint8Array({ maxLength: 4 }).map(bencodeKey), tie("value")), { maxLength: 4 })
      .map((entries) => new Map(entries)),
  ),
})).value;

Deno.test("any value survives encoding, whatever the bytes of its keys", () => {
  fc.assert(fc.property(values, (value) => assert.deepEqual(decodeBencode(encodeBencode(value)), value)));
});

Deno.test("the npm package bencode writes the same bytes, and we decode them", () => {
  const plain = { m: { ut_pex: 1 }, p: 6881, "reqq": 250, v: utf8("x") };
  const map = new Map<string, Bencodable>([
    ["v", utf8("x")],
    ["reqq", 250],
    ["p", 6881],
    ["m", new Map([["ut_pex", 1]])],
  ]);
  assert.deepEqual(encodeBencode(map), new Uint8Array(npmBencode.encode(plain)));
  assert.deepEqual(decodeBencode(npmBencode.encode(plain)), map);
});

Deno.test("unsorted keys are accepted, and written sorted", () => {
  assert.deepEqual(encodeBencode(decodeBencode(utf8("d1:bi2e1:ai1ee"))), utf8("d1:ai1e1:bi2ee"));
});

Deno.test("__proto__ is a key like any other", () => {
  const value = decodeBencode(utf8("d9:__proto__d4:reqqi1eee"));
  assert.ok(value instanceof Map);
  assert.deepEqual([...value.keys()], ["__proto__"]);
  assert.deepEqual(decodeExtendedHandshake(utf8("d9:__proto__d4:reqqi1eee")), {});
});
