/**
 * Polls until `condition` returns something truthy, and returns that. The one way for a test to wait for a state that
 * no event announces; never sleep for a guessed time instead.
 *
 * @param what completes the failure's sentence "waited 30 s for …"
 * @throws Error once `timeoutMs` have passed
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Falsy | Promise<T | Falsy>,
  { timeoutMs = 30_000, everyMs = 10 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

type Falsy = false | undefined;
