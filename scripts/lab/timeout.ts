/** Waits for `promise`, but at most `timeoutMs`, and only until `signal` aborts. */
export async function withTimeout<T>(
  promise: Promise<T>,
  { timeoutMs, what, signal }: {
    readonly timeoutMs: number;
    /** Completes "waited 30 s for …". */
    readonly what: string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<T> {
  signal?.throwIfAborted();
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited ${timeoutMs / 1000} s for ${what}`)), timeoutMs);
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
