/** What every part of the server is started with, and what the parts share. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import type { ConnectionReaper } from "../connections/reaper.ts";
import type { SiteAddresses } from "../connections/site_addresses.ts";

const log = getLogger(["rackseed", "server"]);

export interface StartContext {
  readonly options: ServerOptions;
  readonly site: SiteAddresses;
  readonly reaper: ConnectionReaper;
  /** Owns what is started, and disposes of it in reverse order. */
  readonly stack: AsyncDisposableStack;
  /** Aborted when the server closes, before anything is disposed of. */
  readonly closing: AbortSignal;
  readonly now: () => number;
}

/** Runs the work at this interval until disposed. Work that fails, as on a full disk, is tried again next time. */
export function every(ms: number, work: () => void): Disposable {
  const timer = setInterval(() => {
    try {
      work();
    } catch (error) {
      log.error("work-failed", { error: messageOf(error) });
    }
  }, ms);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
