import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import {
  encodeFrameUpload,
  encodeFrameUploadIn,
  MAX_FRAME_EXTENTS,
  MAX_TABLE_BYTES,
  MAX_UPLOAD_BYTES,
  packFrameUpload,
  parseFrameUpload,
} from "./frame_upload.ts";
import { MAX_FRAME_BYTES } from "./sealed.ts";
import { decodeFrameUpload } from "./testing/decode_frame_upload.ts";
import { pack } from "#native/sealed_codec.ts";

const extent = (size: number) => ({
  sha256: new Uint8Array(randomBytes(32)),
  content: new Uint8Array(size).fill(1),
});

Deno.test("extents survive their upload", () => {
  const extents = [extent(1), extent(1000), extent(70_000)];
  assert.deepEqual(decodeFrameUpload(encodeFrameUpload(extents)), extents);
  const largest = [extent(MAX_FRAME_BYTES)];
  assert.equal(decodeFrameUpload(encodeFrameUpload(largest))[0]?.content.length, MAX_FRAME_BYTES);
});

/** Packed as the sender does. */
const packed = (upload: Uint8Array) =>
  packFrameUpload(upload as Uint8Array<ArrayBuffer>, (raw) => pack(raw, { level: 9 }));

Deno.test("extents survive a packed upload, in fewer bytes", async () => {
  for (const sizes of [[1000], [1, 1000, 70_000], [MAX_FRAME_BYTES - 1, 1]]) {
    const extents = sizes.map(extent);
    const upload = encodeFrameUpload(extents), small = await packed(upload);
    assert.ok(small.length < upload.length);
    assert.ok(parseFrameUpload(small).isPacked);
    const plain = decodeFrameUpload(small).map(({ sha256, content }) => ({
      sha256,
      content: new Uint8Array(content),
    }));
    assert.deepEqual(plain, extents);
  }
});

Deno.test("incompressible contents are sent as they are, so that no upload exceeds the limit", async () => {
  const size = MAX_FRAME_BYTES / MAX_FRAME_EXTENTS;
  const noise = Array.from({ length: MAX_FRAME_EXTENTS }, () => {
    return { ...extent(1), content: new Uint8Array(randomBytes(size)) };
  });
  const upload = encodeFrameUpload(noise);
  assert.equal(upload.length, MAX_UPLOAD_BYTES);
  assert.equal(await packed(upload), upload);
});

Deno.test("an upload that is cut off, or has a tail, is refused", async () => {
  const body = encodeFrameUpload([extent(5), extent(600)]);
  for (const upload of [body, await packed(body)]) {
    for (let length = 0; length < upload.length; length++) {
      assert.throws(() => decodeFrameUpload(upload.subarray(0, length)), Error, `${length} bytes`);
    }
  }
  assert.throws(() => decodeFrameUpload(new Uint8Array([...body, 0])), RangeError);
});

Deno.test("too many, too large and empty extents are refused", () => {
  assert.throws(() => decodeFrameUpload(encodeFrameUpload([])), RangeError);
  assert.throws(() => decodeFrameUpload(encodeFrameUpload([extent(0)])), RangeError);
  const many = Array.from({ length: MAX_FRAME_EXTENTS + 1 }, () => extent(1));
  assert.throws(() => decodeFrameUpload(encodeFrameUpload(many)), RangeError);
  assert.equal(decodeFrameUpload(encodeFrameUpload(many.slice(1))).length, MAX_FRAME_EXTENTS);
  assert.throws(() => decodeFrameUpload(encodeFrameUpload([extent(MAX_FRAME_BYTES), extent(1)])), RangeError);
});

Deno.test("any bytes are an upload or a RangeError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
    try {
      const { isPacked } = parseFrameUpload(body);
      if (!isPacked) assert.deepEqual(encodeFrameUpload(decodeFrameUpload(body)), body);
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
  }));
});

Deno.test("an upload built around contents in place equals a copied one", () => {
  const sizes = [1, 70_000, 333];
  const memory = new Uint8Array(MAX_TABLE_BYTES + 100_000).fill(7);
  let at = MAX_TABLE_BYTES;
  const extents = sizes.map((size) => {
    const content = memory.subarray(at, at += size);
    content.set(randomBytes(size));
    return { sha256: new Uint8Array(randomBytes(32)), content };
  });
  const copied = encodeFrameUpload(extents);
  assert.deepEqual(encodeFrameUploadIn(memory, extents), copied);
});
