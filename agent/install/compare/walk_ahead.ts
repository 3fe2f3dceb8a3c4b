/** Walks a tree in parallel, so that the kernel has it cached by the time the survey needs it. */
import type { Run } from "../../sys/command.ts";

/** Runs du(1) on another processor. If there is none, or du fails, the survey merely takes longer. */
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
