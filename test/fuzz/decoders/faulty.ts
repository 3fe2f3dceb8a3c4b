/** Decoders with one fault each, to show that the harness finds it. */
import bencode from "bencode";
import fc from "fast-check";
import { decoder } from "./decoder.ts";
import { refusesBy } from "./refusals.ts";

const hoard: Uint8Array[] = [];

export const decoders = [
  decoder({
    name: "npm's bencode, which never returns from l-3:e",
    inputs: fc.constant(new TextEncoder().encode("d4:name3:web5:piecel1:a1:bee")),
    decode: (bytes) => bencode.decode(bytes),
    refuses: () => true,
  }),
  decoder({
    name: "a decoder that throws an unexpected error",
    inputs: fc.constant('{"a":1}'),
    decode: (text) => (JSON.parse(text) as { a: number }).a.toFixed(),
    refuses: refusesBy(SyntaxError),
  }),
  decoder({
    name: "a decoder that keeps all its inputs",
    inputs: fc.constant(Uint8Array.of(1)),
    decode: () => void hoard.push(new Uint8Array(4 << 20).fill(1)),
  }),
];
