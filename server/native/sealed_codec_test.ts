import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { needs } from "../../test/support/needs.ts";
import { nativeGcm, nativeSha256, nativeZstd } from "./native_codecs.ts";
import { MAX_FRAME_BYTES } from "#contract/format/sealed.ts";
import { open } from "./open_sealed.ts";
import { pack, sealedCodec } from "./sealed_codec.ts";
import { seal } from "./testing/seal.ts";

const key = randomBytes(32);
const native = await sealedCodec(key);
const runtime = await sealedCodec(key, { native: false });
const contents = [
  new Uint8Array(0),
  Uint8Array.of(7),
  randomBytes(50_000),
  Buffer.concat([randomBytes(50_000), Buffer.alloc(1 << 20, "text ")]),
  randomBytes(MAX_FRAME_BYTES),
];

Deno.test("every codec opens what any other sealed", async () => {
  for (const raw of contents) {
    for (const level of [1, 3, 9]) {
      const containers = [
        seal(raw, { key, level }),
        await native.seal(raw, { level }),
        await runtime.seal(raw, { level }),
      ];
      for (const [i, sealed] of containers.entries()) {
        const what = `${raw.length} bytes at level ${level}, container ${i}`;
        assert.ok(Buffer.from(raw).equals(await native.open(sealed)), what);
        assert.ok(Buffer.from(raw).equals(await runtime.open(sealed)), what);
        assert.ok(Buffer.from(raw).equals(open(sealed, { key })), what);
        await native.authenticate(sealed);
        await runtime.authenticate(sealed);
      }
    }
  }
});

Deno.test("contents packed elsewhere are unpacked, sealed and opened to the same bytes", async () => {
  for (const raw of contents) {
    const packed = await pack(raw, { level: 9 }), rawBytes = raw.length;
    for (const codec of [native, runtime]) {
      assert.ok(Buffer.from(raw).equals(codec.unpack(packed, { rawBytes })));
      const sealed = await codec.sealPacked(packed, { rawBytes });
      for (const other of [native, runtime]) assert.ok(Buffer.from(raw).equals(await other.open(sealed)));
    }
  }
});

Deno.test("anything but the claimed number of bytes in zstd is refused", async () => {
  const raw = Buffer.concat([randomBytes(5000), Buffer.alloc(100_000, "text ")]);
  const packed = await pack(raw, { level: 3 });
  for (const codec of [native, runtime]) {
    const cases: [Uint8Array, number][] = [
      [packed, raw.length - 1],
      [packed, raw.length + 1],
      [packed.subarray(0, -1), raw.length],
      [packed.subarray(1), raw.length],
      [randomBytes(1000), raw.length],
      [new Uint8Array(0), 1],
    ];
    for (const [bytes, rawBytes] of cases) {
      assert.throws(() => codec.unpack(bytes, { rawBytes }), RangeError, `${bytes.length}, ${rawBytes}`);
    }
    assert.ok(raw.equals(codec.unpack(packed, { rawBytes: raw.length })));
  }
});

Deno.test("every codec refuses a changed, cut or foreign container, and works afterwards", async () => {
  const raw = Buffer.concat([randomBytes(5000), Buffer.alloc(100_000, "text ")]);
  const stranger = randomBytes(32);
  for (const [name, options] of [["native", { native: true }], ["runtime", { native: false }]] as const) {
    const codec = await sealedCodec(key, options);
    const sealed = await codec.seal(raw, { level: 3 });
    for (const at of [0, 4, 8, 12, 24, 1000, sealed.length - 1]) {
      const changed = sealed.slice();
      changed[at] = (changed[at] as number) ^ 1;
      await assert.rejects(codec.open(changed), `${name}, byte ${at}`);
      await assert.rejects(codec.authenticate(changed), `${name}, byte ${at}`);
    }
    for (const length of [0, 11, 12, 40, sealed.length - 1]) {
      await assert.rejects(codec.open(sealed.slice(0, length)), RangeError, `${name}, ${length} bytes`);
    }
    const other = await sealedCodec(stranger, options);
    await assert.rejects(other.open(sealed), name);
    await assert.rejects(other.authenticate(sealed), name);
    assert.ok(raw.equals(await codec.open(sealed)), name);
  }
});

Deno.test("contents larger than a frame are sealed whole, as manifests are", async () => {
  const text = Buffer.alloc(9 << 20, "a line of a manifest\n");
  for (const codec of [native, runtime]) {
    const sealed = await codec.seal(text, { level: 3 });
    assert.ok(text.equals(open(sealed, { key, maxRawBytes: text.length })));
    await assert.rejects(codec.open(sealed), RangeError);
  }
});

Deno.test("the same bytes are sealed differently every time", async () => {
  for (const codec of [native, runtime]) {
    const raw = randomBytes(100);
    assert.notDeepEqual(await codec.seal(raw, { level: 3 }), await codec.seal(raw, { level: 3 }));
  }
});

Deno.test({
  name: "the machine's libraries are used if it has them",
  ...needs({ files: ["/lib/x86_64-linux-gnu/libcrypto.so.3", "/lib/x86_64-linux-gnu/libzstd.so.1"] }),
  fn() {
    assert.notEqual(nativeGcm(), null);
    assert.notEqual(nativeSha256(), null);
    assert.notEqual(nativeZstd(), null);
  },
});

Deno.test("without libraries, the runtime seals, opens and hashes", async () => {
  const child = new URL("./testing/seal_child.ts", import.meta.url).pathname;
  // without permission to load a library there is none
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", child, "rackseed", key.toString("hex")],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const answer = JSON.parse(new TextDecoder().decode(stdout));
  const raw = Buffer.from("rackseed".repeat(1000));
  assert.deepEqual([answer.native, answer.opens], [false, true]);
  assert.equal(answer.sha256, createHash("sha256").update(raw).digest("hex"));
  assert.ok(raw.equals(await native.open(new Uint8Array(Buffer.from(answer.sealed, "hex")))));
});
