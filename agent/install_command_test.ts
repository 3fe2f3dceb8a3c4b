import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { runInstall } from "./install_command.ts";

Deno.test("a machine's disk is never touched outside the initramfs", async () => {
  const signal = new AbortController().signal;
  await assert.rejects(
    runInstall({ signal }),
    (error) => error instanceof RackseedError && /not the initramfs.*Nothing was touched/.test(error.reason),
  );
});

Deno.test("an installation into a directory that is not empty is refused before the server is asked", async () => {
  const target = await Deno.makeTempDir();
  await Deno.writeTextFile(`${target}/kept`, "");
  const { signal } = new AbortController();
  await assert.rejects(
    runInstall({ server: "https://127.0.0.1:1", token: "t", target, signal }),
    /not empty/,
  );
  assert.equal((await Array.fromAsync(Deno.readDir(target))).length, 1);
  await Deno.remove(target, { recursive: true });
});
