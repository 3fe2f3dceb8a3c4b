/**
 * A request that was answered before its body was read. Over HTTP/1.1 a client may be writing still and not look at
 * the answer; over HTTP/2 Deno resets the stream with CANCEL, and the client sees an error in the answer's place. So
 * the rest of the body is read and thrown away first, up to a bound.
 */
const MAX_DRAINED_BYTES = 8 << 20;
const MAX_DRAIN_MS = 5000;

export async function drainBody({ body, bodyUsed }: Request): Promise<void> {
  if (!body || bodyUsed || body.locked) return;
  await drain(body.getReader());
}

/** Reads to the end, or to the bound, where it cancels. Keeps nothing. */
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
