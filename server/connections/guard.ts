/**
 * Wraps the handler of every HTTP service: bounds the request's head, counts the requests being answered, and
 * drains the body so that the connection stays usable.
 */
import type { ConnectionBook } from "./book.ts";
import { drainBody } from "./body_drain.ts";
import { connectionKey } from "./sockets.ts";

/** Header fields are bounded elsewhere: Deno takes at most 100, and the reaper ends connections that send too much. */
const MAX_URL_LENGTH = 8192;

export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** `localPort` is called for each request, since the port is known only once the service listens. */
export function guarded(
  handler: Handler,
  { book, localPort }: { book: ConnectionBook; localPort: () => number },
): Handler {
  return async (request, info) => {
    const key = connectionKey({ localPort: localPort(), ...info.remoteAddr });
    if (!book.begin(key, performance.now())) return refusal(503, "too many requests are being answered");
    const ended = () => book.end(key, performance.now());
    info.completed.then(ended, ended);
    const problem = headProblem(request);
    if (problem) return problem;
    const response = await handler(request, info);
    await drainBody(request);
    return response;
  };
}

function headProblem({ url, headers }: Request): Response | undefined {
  if (url.length > MAX_URL_LENGTH) return refusal(414, "the URL is too long");
  // RFC 9112 §6.1: a proxy in between may honour the other one, which allows request smuggling
  if (headers.has("transfer-encoding") && headers.has("content-length")) {
    return refusal(400, "Content-Length and Transfer-Encoding exclude each other");
  }
  return undefined;
}

function refusal(status: number, text: string): Response {
  const headers = { connection: "close", ...(status === 503 && { "retry-after": "5" }) };
  return new Response(`${text}\n`, { status, headers });
}
