/** Requests to other servers: answers that must come in time, bodies that must keep coming, and further attempts. */
import { messageOf } from "#contract/errors.ts";
import { bodyOf } from "#contract/response_body.ts";

const ATTEMPTS = 4;
const FIRST_WAIT_MS = 250;
const IDLE_MS = 30_000;

/** fetch(), whose headers must come within `answerMs`. */
export async function fetchInTime(
  url: URL,
  { answerMs, signal, ...init }: RequestInit & {
    answerMs: number;
    signal: AbortSignal;
    client: Deno.HttpClient;
  },
): Promise<Response> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error("it did not answer in time")), answerMs);
  try {
    return await fetch(url, { ...init, signal: AbortSignal.any([signal, stop.signal]) });
  } finally {
    clearTimeout(timer);
  }
}

/** Yields the body. Throws if nothing comes for a while. */
export async function* steadyBody(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wind = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(new Error(`it sent nothing for ${IDLE_MS / 1000} s`)), IDLE_MS);
  };
  wind();
  try {
    for await (const bytes of bodyOf(response, AbortSignal.any([signal, stop.signal]))) {
      wind();
      yield bytes;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The whole body; undefined if it is longer than `maxBytes`. */
export async function shortBody(
  response: Response,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const bytes of steadyBody(response, signal)) {
    sizeBytes += bytes.length;
    if (sizeBytes > maxBytes) return undefined;
    chunks.push(bytes);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Tries again while `isPassing` says of the error that it may pass, with growing pauses. */
export async function retrying<T>(
  work: () => Promise<T>,
  { isPassing, signal }: { isPassing: (error: unknown) => boolean; signal: AbortSignal },
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error) || attempt === ATTEMPTS) throw error;
      await pause(FIRST_WAIT_MS * 2 ** attempt * (0.5 + Math.random()), signal);
    }
  }
}

/** Why fetch() failed, without the URL, which may be signed. */
export function fetchFailure(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return messageOf(inner).replace(/ for url \([^)]*\)/, "");
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}
