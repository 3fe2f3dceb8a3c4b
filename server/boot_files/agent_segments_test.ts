import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ARCHITECTURE_NAMES, architectureOfElf, ARCHITECTURES } from "#contract/architectures.ts";
import { findLibraries } from "../../boot/initramfs/libraries.ts";
import { runtimeLibraries } from "../../boot/programs/programs.ts";
import { needs } from "../../test/support/needs.ts";
import { isIntact, sourceFor } from "./agent_segments.ts";

const [other = "aarch64"] = ARCHITECTURE_NAMES.filter((name) => name !== Deno.build.arch);
const fetched = new URL("../../.cache/boot-programs/", import.meta.url).pathname;

Deno.test({
  name: "the agent of another architecture gets a whole set of libraries of that architecture",
  ...needs({ files: runtimeLibraries(other).map(({ name }) => `${fetched}${name}`) }),
  async fn() {
    const source = await sourceFor(other, { product: "/opt/rackseed" });
    const { libraries, missing } = await findLibraries(source, ["/lib/libgcc_s.so.1", "/lib/libm.so.6"]);
    assert.deepEqual([[...libraries.keys()].sort(), [...missing]], [
      [ARCHITECTURES[other].loader, "libc.so.6"].sort(),
      [],
    ]);
    assert.equal(await source.lookup("/usr/lib"), undefined, "this machine's are not");
    for (const path of libraries.values()) assert.equal(architectureOfElf(await source.read(path)), other);
  },
});

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
