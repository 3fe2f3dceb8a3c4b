import assert from "node:assert/strict";
import { CODE_CACHE, codeCacheOf } from "./code_cache.ts";

/** Runs `codeCacheOf` with a shell script instead of the product. */
async function cacheOf(script: string): Promise<Uint8Array | undefined> {
  const folder = await Deno.makeTempDir(), scratch = `${folder}/scratch`;
  try {
    await Deno.mkdir(scratch);
    await Deno.writeTextFile(`${folder}/product`, script, { mode: 0o755 });
    return await codeCacheOf(`${folder}/product`, { scratch });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const keeps = `#!/bin/sh\necho "$0 $*" > $TMPDIR/${CODE_CACHE.slice("/tmp/".length)}\n`;

Deno.test("what the agent's start leaves behind is its compiled code", async () => {
  const kept = new TextDecoder().decode(await cacheOf(`${keeps}exit 1\n`));
  assert.match(kept, /\/rackseed agent install\n$/);
});

Deno.test("an agent that cannot be started here, keeps nothing or does not refuse has no compiled code", async () => {
  assert.equal(await cacheOf("not a program"), undefined);
  assert.equal(await cacheOf("#!/bin/sh\nexit 1\n"), undefined);
  assert.equal(await cacheOf(keeps), undefined);
});
