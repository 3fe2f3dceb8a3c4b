import assert from "node:assert/strict";
import { madeOnce } from "./made_once.ts";

Deno.test("labs that run at the same time make what they share once, and all find it complete", async () => {
  const cache = await Deno.makeTempDir();
  try {
    let made = 0;
    const labs = Array.from({ length: 4 }, async () => {
      await madeOnce(`${cache}/lab/tree`, async (part) => {
        made++;
        await Deno.mkdir(part);
        await new Promise((resolve) => setTimeout(resolve, 20));
        await Deno.writeTextFile(`${part}/file`, "whole");
      });
      return await Deno.readTextFile(`${cache}/lab/tree/file`);
    });
    assert.deepEqual(await Promise.all(labs), ["whole", "whole", "whole", "whole"]);
    assert.equal(made, 1);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("what a failed or interrupted lab left is made from the start", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const fail = madeOnce(`${cache}/tree`, async (part) => {
      await Deno.mkdir(part);
      throw new Error("no space");
    });
    await assert.rejects(fail, /no space/);
    await madeOnce(`${cache}/tree`, (part) => Deno.mkdir(part));
    assert.equal((await Deno.stat(`${cache}/tree`)).isDirectory, true);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});
