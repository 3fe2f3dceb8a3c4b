import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { isProved } from "./agent_segments.ts";

Deno.test("a cached segment is used again only while it is what was made", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const segment = `${folder}/agent.zstd`, proof = `${segment}.sha256`;
    Deno.writeTextFileSync(segment, "segment");
    assert.equal(await isProved(segment, proof), false);
    Deno.writeTextFileSync(proof, createHash("sha256").update("segment").digest("hex"));
    assert.equal(await isProved(segment, proof), true);
    Deno.writeTextFileSync(segment, "segmenT");
    assert.equal(await isProved(segment, proof), false);
    Deno.truncateSync(segment);
    assert.equal(await isProved(segment, proof), false);
    Deno.removeSync(segment);
    assert.equal(await isProved(segment, proof), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
