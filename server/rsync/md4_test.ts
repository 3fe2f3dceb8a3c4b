import assert from "node:assert/strict";
import { toHex } from "#torrent/metainfo/hex.ts";
import { md4 } from "./md4.ts";

Deno.test("MD4 matches the test suite of RFC 1320 §A.5", () => {
  const vectors: Record<string, string> = {
    "": "31d6cfe0d16ae931b73c59d7e0c089c0",
    "a": "bde52cb31de33e46245e05fbdbd6fb24",
    "abc": "a448017aaf21d8525fc10ae87aa6729d",
    "message digest": "d9130a8164549fe818874806e1c7014b",
    "abcdefghijklmnopqrstuvwxyz": "d79e1c308aa5bbcdeea8ed63df412da9",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "043f8582f241db351ce627e153e7f0e4",
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890":
      "e33b4ddc9c38f2199c3e7b164fcc0536",
  };
  for (const [text, digest] of Object.entries(vectors)) {
    assert.equal(toHex(md4(new TextEncoder().encode(text))), digest, text);
  }
});

Deno.test("parts have the digest of the whole, whatever their lengths", () => {
  const whole = new Uint8Array(200).map((_, i) => i);
  for (const cut of [0, 1, 55, 56, 63, 64, 65, 128, 200]) {
    assert.deepEqual(md4(whole.subarray(0, cut), whole.subarray(cut)), md4(whole));
  }
});
