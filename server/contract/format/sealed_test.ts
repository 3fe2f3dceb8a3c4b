import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { MAX_FRAME_BYTES, SEALED_OVERHEAD_BYTES, sealedLengths } from "./sealed.ts";
import { open } from "#native/open_sealed.ts";
import { seal } from "#native/testing/seal.ts";

const key = randomBytes(32);

Deno.test("sealed bytes open to the same bytes", () => {
  const contents = [
    new Uint8Array(0),
    Uint8Array.of(7),
    randomBytes(100_000),
    new Uint8Array(MAX_FRAME_BYTES),
  ];
  for (const level of [1, 9, 19]) {
    for (const raw of contents) {
      if (level === 19 && raw.length > 100_000) continue;
      const sealed = seal(raw, { key, level });
      assert.deepEqual(new Uint8Array(open(sealed, { key })), new Uint8Array(raw));
      const lengths = { rawBytes: raw.length, sealedBytes: sealed.length };
      assert.deepEqual(sealedLengths(sealed, { maxRawBytes: MAX_FRAME_BYTES }), lengths);
    }
  }
});

Deno.test("zeros shrink, and noise hardly grows", () => {
  assert.ok(seal(new Uint8Array(1 << 20), { key, level: 3 }).length < 1000);
  assert.ok(seal(randomBytes(1 << 20), { key, level: 3 }).length < (1 << 20) + 1000 + SEALED_OVERHEAD_BYTES);
});

Deno.test("a change of any bit is detected", () => {
  const sealed = seal(new TextEncoder().encode("the quick brown fox"), { key, level: 3 });
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice();
    changed[at] = (changed[at] as number) ^ 1 << at % 8;
    assert.throws(() => open(changed, { key }), Error, `byte ${at}`);
  }
});

Deno.test("another key, a missing end and a tail are refused", () => {
  const sealed = seal(randomBytes(1000), { key, level: 3 });
  assert.throws(() => open(sealed, { key: randomBytes(32) }));
  for (const length of [0, 11, 12, 40, sealed.length - 1]) {
    assert.throws(() => open(sealed.subarray(0, length), { key }), RangeError);
  }
  assert.throws(() => open(new Uint8Array([...sealed, 0]), { key }), RangeError);
});

Deno.test("a claim of too many bytes is refused before unpacking", () => {
  const sealed = seal(new Uint8Array(5000), { key, level: 3 });
  assert.throws(() => open(sealed, { key, maxRawBytes: 4999 }), /more than 4999/);
  assert.equal(open(sealed, { key, maxRawBytes: 5000 }).length, 5000);
});

Deno.test("the same bytes are sealed differently every time", () => {
  const raw = randomBytes(100);
  assert.notDeepEqual(seal(raw, { key, level: 3 }), seal(raw, { key, level: 3 }));
});
