import { ServerEvent } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { bodyOf } from "#contract/response_body.ts";

/** Give up once the server has been away for this long. */
const PATIENCE_MS = 120_000;
const RETRY_MS = 1000;

/**
 * Yields the server's live events (text/event-stream), across restarts of the server: each connection begins with the
 * current state, so nothing is missed. Never ends; throws RackseedError if the server stays away.
 */
export async function* serverEvents(client: ApiClient, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  let lastHeard = performance.now();
  for (;;) {
    try {
      const response = await client.send("GET", "/events", { signal });
      for await (const line of linesOf(response, signal)) {
        lastHeard = performance.now();
        const event = line.startsWith("data: ") ? eventOf(line.slice(6)) : undefined;
        if (event) yield event;
      }
    } catch (error) {
      signal.throwIfAborted();
      const refused = error instanceof RackseedError && error.status < 500;
      if (refused || performance.now() - lastHeard > PATIENCE_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    signal.throwIfAborted();
  }
}

/** Undefined if this version does not know it: the server may be upgraded while a command waits. */
function eventOf(json: string): ServerEvent | undefined {
  return ServerEvent.safeParse(JSON.parse(json)).data;
}

/** Yields the lines of a text body without their line ends, until the body ends or the signal aborts. */
export async function* linesOf(response: Response, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of bodyOf(response, signal)) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  rest += decoder.decode();
  if (rest) yield rest;
}
