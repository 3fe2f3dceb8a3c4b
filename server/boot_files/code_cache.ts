/**
 * The compiled form of the product's code. V8 compiles each module at the product's start; `deno compile` lets the
 * product keep the result in its temporary folder, for later starts. A node starts it only once, so it gets what this
 * machine's V8 has compiled. A V8 that cannot use it compiles as if it were not there.
 */

/** Where the product looks for it, with an empty environment. */
export const CODE_CACHE = "/tmp/deno-compile-rackseed.cache";

const START_MS = 60_000;

/**
 * Starts the agent once, in `scratch`: outside of an initramfs it loads its modules, and refuses to do anything. Undefined
 * if it cannot be started here, or keeps nothing.
 *
 * @param product absolute path of the compiled product
 * @param scratch an empty folder
 */
export async function codeCacheOf(
  product: string,
  { scratch, signal }: { scratch: string; signal?: AbortSignal },
): Promise<Uint8Array | undefined> {
  // the name is part of what is kept
  const program = `${scratch}/rackseed`;
  try {
    await Deno.copyFile(product, program);
    const { success } = await new Deno.Command(program, {
      args: ["agent", "install"],
      clearEnv: true,
      env: { TMPDIR: scratch },
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.any([AbortSignal.timeout(START_MS), ...(signal ? [signal] : [])]),
    }).output();
    if (success) return undefined;
    return await Deno.readFile(`${scratch}${CODE_CACHE.slice("/tmp".length)}`);
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}
