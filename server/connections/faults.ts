/** Errors of single connections that reach nobody's `catch`, for instance out of the runtime's own streams. */
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

/** A far end that went away, or spoke no HTTP. Everything else is a fault of ours. */
export function isConnectionFault(error: unknown): boolean {
  return OF_A_CONNECTION.some((kind) => error instanceof kind);
}

/** Until disposed, a connection's unhandled error is logged and dropped; any other still ends the process. */
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
