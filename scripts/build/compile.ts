import type { Compiler } from "./base_runtime.ts";
import { run } from "./command.ts";

/** Compiles `main.js` of a bundle folder, with the named workers and folders in it, into one program. */
export async function compileBundle(
  folder: string,
  { include, unstable, compiler, output }: {
    include: readonly string[];
    unstable: readonly string[];
    compiler: Compiler;
    output: string;
  },
): Promise<void> {
  await run([
    ...compiler.argv,
    "compile",
    "--quiet",
    "--allow-all",
    "--no-check",
    // The bundle is complete: neither a project's settings nor its packages have a say any more.
    "--no-config",
    "--no-lock",
    // V8 compiles on a thread of its own, which may ask an idle isolate for room. The event loop of Deno before
    // 2.7 does not hear that (denoland/deno#14786): the thread waits for ever, and on two cores it is the only
    // one, so that no collection ends any more and the whole process stands still.
    "--v8-flags=--no-concurrent-recompilation,--no-concurrent-sparkplug",
    ...unstable.map((feature) => `--unstable-${feature}`),
    ...include.flatMap((path) => ["--include", path]),
    "--output",
    output,
    "main.js",
  ], { cwd: folder, env: compiler.env });
}
