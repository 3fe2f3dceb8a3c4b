/** Walks a tree beside us, so that what the survey asks of the kernel is in its caches by then. */
import type { Run } from "../../sys/command.ts";

/** By du(1), on another processor; where there is neither, or it fails, the survey merely takes longer. */
export function walkAhead(
  path: string,
  { run, processors = navigator.hardwareConcurrency }: { run: Run; processors?: number },
): AsyncDisposable {
  const stop = new AbortController();
  const { signal } = stop;
  const walking = processors > 1
    ? run(["du", "-s", path], { signal, timeoutMs: 60 * 60_000 }).catch(() => {})
    : undefined;
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await walking;
    },
  };
}
