import type { Logger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";

/** Connections as they come until `listener` is closed by its owner, whatever goes wrong with one of them. */
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
      // out of file descriptors, most likely: it passes when connections end
      log.warn("accept-failed", { error: messageOf(error) });
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    yield connection;
  }
}
