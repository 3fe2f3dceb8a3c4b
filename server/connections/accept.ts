import type { Logger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";

/** Yields incoming connections until the owner closes `listener`. A failed accept is logged and does not end it. */
export async function* connectionsOf(
  listener: Deno.TcpListener,
  { isClosed, log }: { isClosed: () => boolean; log: Logger },
): AsyncGenerator<Deno.TcpConn, void, undefined> {
  while (!isClosed()) {
    let connection: Deno.TcpConn;
    try {
      connection = await listener.accept();
    } catch (error) {
      if (isClosed()) return;
      // most likely out of descriptors, which passes as connections end
      log.warn("accept-failed", { error: messageOf(error) });
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    yield connection;
  }
}
