/** Errors of single connections that no `catch` sees, for instance from the runtime's own streams. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";

const log = getLogger(["rackseed", "connections"]);

const OF_A_CONNECTION = [
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
  Deno.errors.BrokenPipe,
  Deno.errors.NotConnected,
  Deno.errors.UnexpectedEof,
  Deno.errors.Http,
];

/** Whether the client went away or did not speak HTTP. Any other error is our fault. */
export function isConnectionFault(error: unknown): boolean {
  return OF_A_CONNECTION.some((kind) => error instanceof kind);
}

/** Until disposed, unhandled errors of connections are logged and ignored. Any other still ends the process. */
export function surviveConnectionFaults(): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    if (!isConnectionFault(event.reason)) return;
    event.preventDefault();
    log.debug("connection-fault", { error: messageOf(event.reason) });
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", onRejection),
  };
}
