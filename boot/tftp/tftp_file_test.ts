import assert from "node:assert/strict";
import { fileOfBytes, openFile } from "./tftp_file.ts";

Deno.test("bytes and files read alike: at any offset, and short only at the end", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, bytes);
    for (const file of [fileOfBytes(bytes), openFile(path)]) {
      assert.equal(file.sizeBytes, 1000);
      for (const [offset, count] of [[512, 100], [0, 100], [950, 50], [1000, 0]] as const) {
        const into = new Uint8Array(100);
        assert.equal(file.read(offset, into), count);
        assert.deepEqual(into.subarray(0, count), bytes.subarray(offset, offset + count));
      }
      file.close?.();
    }
  } finally {
    Deno.removeSync(path);
  }
});
