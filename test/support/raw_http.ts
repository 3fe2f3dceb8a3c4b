/** Clients that speak HTTP/1.1 byte by byte, in ways that no library would. */

/** Writes `parts` and reads the answer, until the server closes the connection or `timeoutMs` have passed. */
export async function exchange(
  { hostname = "127.0.0.1", port, caCert }: { hostname?: string; port: number; caCert?: string },
  { parts, timeoutMs = 5000, until }: {
    parts: Iterable<string | Uint8Array<ArrayBuffer>>;
    timeoutMs?: number;
    /** Stops reading once the answer matches. */
    until?: RegExp;
  },
): Promise<{ answer: string; closed: boolean }> {
  const connection = caCert === undefined
    ? await Deno.connect({ hostname, port })
    : await Deno.connectTls({ hostname, port, caCerts: [caCert] });
  using _closing = { [Symbol.dispose]: () => connection.close() };
  const decoder = new TextDecoder();
  let answer = "", closed = false;
  const reading = (async () => {
    const into = new Uint8Array(65_536);
    try {
      for (let got; (got = await connection.read(into)) !== null;) {
        answer += decoder.decode(into.subarray(0, got));
        if (until?.test(answer)) return;
      }
    } catch {
      // A reset ends it too.
    }
    closed = true;
  })();
  (async () => {
    const encoder = new TextEncoder();
    for (const part of parts) {
      const bytes = typeof part === "string" ? encoder.encode(part) : part;
      for (let at = 0; at < bytes.length && !closed;) at += await connection.write(bytes.subarray(at));
      if (closed) return;
    }
  })().catch(() => {});
  let timer;
  const late = new Promise((resolve) => timer = setTimeout(resolve, timeoutMs));
  await Promise.race([reading, late]);
  clearTimeout(timer);
  return { answer, closed };
}

/** A complete chunked body of `count` chunks of `bytes` each (RFC 9112 §7.1). */
export function* chunked(count: number, bytes = 1 << 20): Generator<string | Uint8Array<ArrayBuffer>> {
  const chunk = new Uint8Array(bytes);
  for (let i = 0; i < count; i++) {
    yield `${bytes.toString(16)}\r\n`;
    yield chunk;
    yield "\r\n";
  }
  yield "0\r\n\r\n";
}

/** The status of an answer. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? NaN);
}
