import type { Compiler } from "./base_runtime.ts";
import { run } from "./command.ts";

/** Compiles `main.js` of a bundle folder, with the named workers and folders, into one program. */
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
    // The bundle is complete: neither project settings nor packages apply.
    "--no-config",
    "--no-lock",
    // V8 compiles on a background thread, which may ask an idle isolate to collect garbage. Before Deno 2.7, the event
    // loop misses that request (denoland/deno#14786): the thread waits forever. On two cores it is the only background
    // thread, so that no garbage collection ever finishes and the whole process hangs.
    "--v8-flags=--no-concurrent-recompilation,--no-concurrent-sparkplug",
    ...unstable.map((feature) => `--unstable-${feature}`),
    ...include.flatMap((path) => ["--include", path]),
    ...["--target", compiler.target, "--output", output],
    "main.js",
  ], { cwd: folder, env: compiler.env });
}
