import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeTftp,
  encodeError,
  encodeOack,
  TftpFormatError,
  type TftpPacket,
  writeDataHeader,
} from "./packet.ts";

const request = (opcode: number, text: string) => Uint8Array.of(0, opcode, ...new TextEncoder().encode(text));

Deno.test("a client's packets are decoded, with option names in lower case", () => {
  const cases: [Uint8Array, TftpPacket][] = [
    [request(1, "a/b\0OCTET\0"), { kind: "read", name: "a/b", mode: "octet", options: new Map() }],
    // Shim sends this if its load option is empty.
    [request(1, "\0octet\0"), { kind: "read", name: "", mode: "octet", options: new Map() }],
    [request(1, "a\0octet"), { kind: "read", name: "a", mode: "octet", options: new Map() }],
    [
      request(1, "a\0octet\0BlkSize\x001468\0tsize\x000\0odd\0"),
      { kind: "read", name: "a", mode: "octet", options: new Map([["blksize", "1468"], ["tsize", "0"]]) },
    ],
    [request(2, "a\0octet\0"), { kind: "write", name: "a" }],
    [Uint8Array.of(0, 4, 0xff, 0xfe), { kind: "ack", block: 0xfffe }],
    [encodeError(8, "no options"), { kind: "error", code: 8, message: "no options" }],
    [Uint8Array.of(0, 5, 0, 0), { kind: "error", code: 0, message: "" }],
  ];
  for (const [bytes, packet] of cases) assert.deepEqual(decodeTftp(bytes), packet);
});

Deno.test("a packet that no client sends is refused", () => {
  const cases = [
    new Uint8Array(3),
    request(0, "xx"),
    request(3, "xx"),
    request(6, "xx"),
    request(1, "name without mode\0"),
    request(1, `${"x".repeat(600)}\0octet\0`),
  ];
  for (const bytes of cases) assert.throws(() => decodeTftp(bytes), TftpFormatError);
});

Deno.test("decoding arbitrary bytes returns a packet or throws a TftpFormatError", () => {
  const near = fc.tuple(fc.nat(6), fc.uint8Array({ maxLength: 600 }))
    .map(([opcode, rest]) => Uint8Array.of(0, opcode, ...rest));
  fc.assert(
    fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 20 })), (bytes) => {
      try {
        decodeTftp(bytes);
      } catch (error) {
        assert.ok(error instanceof TftpFormatError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a data header carries the block number modulo 65536, and an OACK its name-value pairs", () => {
  const header = new Uint8Array(4);
  writeDataHeader(header, 65_536 + 258);
  assert.deepEqual(header, Uint8Array.of(0, 3, 1, 2));
  assert.deepEqual(encodeOack(new Map([["tsize", "7"]])), request(6, "tsize\x007\0"));
});
