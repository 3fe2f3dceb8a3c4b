/**
 * Every bench, one after the other; each compares ours with a named peer in the same run and prints a ratio with
 * its bar. `--json` of a single bench gives figures for scripts.
 */
import { ensureProduct } from "./build.ts";
import { installDebianPackages } from "./setup.ts";

/** Name, and what it is told. */
const BENCHES: Record<string, readonly string[]> = {
  extract: [],
  capture: [],
  swarm: ["--nodes", "1,4", "--vs", "aria2"],
  initramfs: [],
};

await installDebianPackages();
await ensureProduct();
let failed = 0;
for (const name of Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES)) {
  console.log(`\n== ${name}`);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(`./bench/${name}.ts`, import.meta.url).pathname, ...(BENCHES[name] ?? [])],
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (code !== 0) failed++;
}
Deno.exit(failed > 0 ? 1 : 0);
