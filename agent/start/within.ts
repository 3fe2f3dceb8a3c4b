const POLL_MS = 100;

/** Polls until there is an answer or the time is up: sysfs has no event to wait for. */
export async function within<T>(
  budgetMs: number,
  { ask, signal }: { ask: () => Promise<T | undefined>; signal: AbortSignal },
): Promise<T | undefined> {
  const deadline = performance.now() + budgetMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || performance.now() > deadline) return answer;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
