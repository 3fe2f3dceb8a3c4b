import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { isIntact } from "./agent_segments.ts";

Deno.test("a cached segment is used again only while it is intact", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const segment = `${folder}/agent.zstd`, hashFile = `${segment}.sha256`;
    Deno.writeTextFileSync(segment, "segment");
    assert.equal(await isIntact(segment, hashFile), false);
    Deno.writeTextFileSync(hashFile, createHash("sha256").update("segment").digest("hex"));
    assert.equal(await isIntact(segment, hashFile), true);
    Deno.writeTextFileSync(segment, "segmenT");
    assert.equal(await isIntact(segment, hashFile), false);
    Deno.truncateSync(segment);
    assert.equal(await isIntact(segment, hashFile), false);
    Deno.removeSync(segment);
    assert.equal(await isIntact(segment, hashFile), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
