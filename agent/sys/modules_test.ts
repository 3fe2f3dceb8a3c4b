import assert from "node:assert/strict";
import { absentModules, loadModules } from "./modules.ts";

async function asked(names: readonly string[]): Promise<string[]> {
  const calls: string[] = [];
  await loadModules(names, {
    run: (argv) => {
      calls.push(argv.join(" "));
      return Promise.resolve({ code: 1, stdout: "", stderr: "" });
    },
  });
  return calls;
}

Deno.test("only modules that the kernel lacks are loaded, all by one call", async () => {
  // a part of every kernel, with parameters in sysfs
  assert.deepEqual(await asked(["kernel"]), []);
  assert.deepEqual(await asked(["kernel", "no-such-module", "nor-this", "nor-this"]), [
    "modprobe -a -q no-such-module nor-this",
  ]);
  assert.deepEqual(await absentModules(["kernel", "no-such-module"]), ["no-such-module"]);
});
