/** One attempt to deliver a message. */
import { messageOf } from "#contract/errors.ts";
import { signatureHeaders } from "./signature.ts";

/** From the connection to the end of the answer. */
const ATTEMPT_MS = 10_000;
/** Of an answer that refuses, as much is kept for the operator. */
const MAX_ANSWER_BYTES = 500;

export interface Message {
  /** The same at every attempt, so that the receiver can drop repeats. */
  readonly id: string;
  readonly body: string;
}

/** "gone": the receiver wants no further attempt (410). */
export type Outcome =
  | { readonly kind: "delivered" }
  | { readonly kind: "failed" | "gone"; readonly reason: string };

export async function deliver(
  { id, body }: Message,
  { url, secret, nowMs, signal, attemptMs = ATTEMPT_MS }: {
    url: string;
    secret: string;
    nowMs: number;
    signal: AbortSignal;
    attemptMs?: number;
  },
): Promise<Outcome> {
  const late = AbortSignal.timeout(attemptMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "rackseed",
        ...signatureHeaders(body, { id, seconds: Math.floor(nowMs / 1000), secret }),
      },
      body,
      // a receiver must not send our messages to an address of its choice
      redirect: "manual",
      signal: AbortSignal.any([signal, late]),
    });
    if (response.ok) {
      await response.body?.cancel();
      return { kind: "delivered" };
    }
    const said = await beginningOf(response);
    const reason = `it answered ${response.status}${said === "" ? "" : `: ${said}`}`;
    return { kind: response.status === 410 ? "gone" : "failed", reason };
  } catch (error) {
    if (late.aborted) return { kind: "failed", reason: `no complete answer for ${attemptMs / 1000} s` };
    return { kind: "failed", reason: reasonOf(error) };
  }
}

/** Without the URL: its path is often a secret, and reasons are logged. */
function reasonOf(error: unknown): string {
  // since Deno 2.7, fetch says only in the cause what went wrong
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause).replace(/ for url \([^)]*\)/, "");
}

/** Printable text only: it is shown to operators. */
async function beginningOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "", bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    text += decoder.decode(chunk.subarray(0, MAX_ANSWER_BYTES), { stream: true });
    if (bytes >= MAX_ANSWER_BYTES) break;
  }
  return text.slice(0, MAX_ANSWER_BYTES).replaceAll(/[^\x20-\x7e]+/g, " ").trim();
}
