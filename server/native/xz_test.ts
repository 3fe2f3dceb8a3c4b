import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { needs } from "../../test/support/needs.ts";
import { xzDecompress } from "./xz.ts";

async function xz(content: Uint8Array, ...args: readonly string[]): Promise<Uint8Array> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, content);
    const { stdout, success } = await new Deno.Command("xz", { args: ["-c", ...args, path] }).output();
    assert.ok(success);
    return stdout;
  } finally {
    await Deno.remove(path);
  }
}

const contents: [what: string, content: Uint8Array][] = [
  ["nothing", new Uint8Array()],
  ["random bytes", randomBytes(100_000)],
  ["bytes that shrink a thousandfold", new Uint8Array(20 << 20)],
];
for (const [what, content] of contents) {
  Deno.test({
    name: `what xz compressed is decompressed: ${what}`,
    ...needs({ programs: ["xz"] }),
    async fn() {
      // as the kernel's build compresses modules, and at the largest dictionary
      for (const options of [["--check=crc32", "--x86", "--lzma2=dict=1MiB"], ["-9"]]) {
        const got = await xzDecompress(await xz(content, ...options), { maxBytes: 64 << 20 });
        assert.deepEqual(Buffer.from(got ?? [1]), Buffer.from(content));
      }
    },
  });
}

Deno.test({
  name: "a damaged, cut or oversized file is not decompressed",
  ...needs({ programs: ["xz"] }),
  async fn() {
    const packed = await xz(new TextEncoder().encode("content ".repeat(1000)));
    const damaged = packed.slice();
    damaged[40] = (damaged[40] ?? 0) ^ 0xff;
    assert.equal(await xzDecompress(damaged, { maxBytes: 1 << 20 }), undefined);
    assert.equal(await xzDecompress(packed.subarray(0, 60), { maxBytes: 1 << 20 }), undefined);
    assert.equal(await xzDecompress(new Uint8Array(), { maxBytes: 1 << 20 }), undefined);
    assert.equal(await xzDecompress(packed, { maxBytes: 7999 }), undefined);
    assert.equal((await xzDecompress(packed, { maxBytes: 8000 }))?.length, 8000);
  },
});
