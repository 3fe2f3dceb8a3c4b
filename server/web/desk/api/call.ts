/** Calls of the API. */
import type { Problem } from "#contract/errors.ts";
import { logInAgain } from "../live/log_in_again.ts";

/** What was refused: by the server, by the desk itself, or by the way to the server (status 0). */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.title}: ${problem.detail}`);
  }

  static unreachable(): Refusal {
    return new Refusal({
      status: 0,
      title: "cannot reach the server",
      detail: "no answer came.",
      remedy: "check that the server runs and that this computer reaches it, then try again.",
    });
  }
}

interface Options {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** `path`: below /api/v1. Throws Refusal. If the session is over, the page loads again, which shows the login. */
export async function call<T = unknown>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** The response itself, for files and for ETag and Link headers. Throws Refusal as `call` does. */
export async function send(
  method: string,
  path: string,
  { body, headers, signal }: Options = {},
): Promise<Response> {
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: body === undefined ? { ...headers } : { "content-type": "application/json", ...headers },
    body: body === undefined ? null : JSON.stringify(body),
    signal: signal ?? null,
  }).catch((error) => {
    if (signal?.aborted) throw error;
    throw Refusal.unreachable();
  });
  if (response.status === 401) logInAgain();
  if (response.ok) return response;
  throw await refusalOf(response);
}

/** What an answer without success says. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const { title, detail, remedy } = await response.json().catch(() => ({}));
  return new Refusal({
    status: response.status,
    title: title ?? `the server answered ${response.status}`,
    detail: detail ?? "it gave no reason.",
    remedy: remedy ?? "see the server's log.",
  });
}

/** A path's segment. "web@3" stays readable. */
export function segment(name: string): string {
  return encodeURIComponent(name).replaceAll("%40", "@");
}
