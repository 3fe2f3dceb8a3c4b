/**
 * For requests that are answered before their body was read. Over HTTP/1.1 the client may still be writing, and not
 * look at the answer; over HTTP/2 Deno resets the stream with CANCEL, and the client sees an error instead of the
 * answer. So the rest of the body is read and discarded first, up to a bound.
 */
const MAX_DRAINED_BYTES = 8 << 20;
const MAX_DRAIN_MS = 5000;

export async function drainBody({ body, bodyUsed }: Request): Promise<void> {
  if (!body || bodyUsed || body.locked) return;
  await drain(body.getReader());
}

/** Reads and discards up to the bound, then cancels. */
export async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const late = setTimeout(() => void reader.cancel().catch(() => {}), MAX_DRAIN_MS);
  try {
    for (let left = MAX_DRAINED_BYTES; left > 0;) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.length;
    }
    await reader.cancel();
  } catch {
    // the client has gone
  } finally {
    clearTimeout(late);
  }
}
