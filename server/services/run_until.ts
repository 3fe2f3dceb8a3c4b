/** How the server as a whole runs and ends. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { writePublicFile } from "../access/private_file.ts";

const log = getLogger(["rackseed", "server"]);

/** Closes the services when the signal aborts, when `close` is called, or when one of `finished` rejects. */
export function runUntil(
  signal: AbortSignal,
  { services, finished }: { services: AsyncDisposableStack; finished: readonly Promise<void>[] },
): { done: Promise<void>; close: () => Promise<void> } {
  let closed: Promise<void> | undefined;
  const dispose = () => closed ??= services.disposeAsync();
  const ended = Promise.withResolvers<void>();
  const end = () => dispose().then(ended.resolve, ended.reject);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  for (const service of finished) {
    service.catch((error) => dispose().finally(() => ended.reject(error)));
  }
  const close = async () => {
    end();
    await ended.promise;
  };
  return { done: ended.promise, close };
}

/** Lets commands on this machine find the server. A full disk must not keep it from starting. */
export function writeUrl(path: string, server: string): void {
  try {
    writePublicFile(path, `${server}\n`);
  } catch (error) {
    log.error("url-not-written", { path, error: messageOf(error) });
  }
}
