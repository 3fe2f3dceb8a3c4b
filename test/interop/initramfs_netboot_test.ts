/** The agent's part of the boot initramfs, and the richest of the ways by which a machine gets it or its own disk. */
import assert from "node:assert/strict";
import { buildAgentSegment } from "../../boot/initramfs/agent_segment.ts";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { testArmedAndUnarmed } from "../vm/armed_and_unarmed.ts";

// the others are in test/vm/every_netboot.ts, and in each lab
testArmedAndUnarmed("UEFI with shim and signed GRUB");

Deno.test("the product fits an agent segment of 36 MB", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { sizeBytes } = await buildAgentSegment({
      product: await ensureProduct(),
      source: await directorySource("/"),
      output: `${folder}/agent.img`,
      compression: "zstd",
    });
    assert.ok(sizeBytes <= 36e6, `${sizeBytes} bytes`);
    assert.equal(sizeBytes % 4, 0);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["agent.img"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
