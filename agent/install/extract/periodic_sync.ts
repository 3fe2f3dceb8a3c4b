/** Flushes dirty pages to disk early. */
import { syncAllAside } from "../../sys/kernel.ts";

const PAUSE_MS = 2_000;

/**
 * A power cut takes what has not reached the disk, and on its own the kernel waits for half a minute (proc_sys_vm(5),
 * dirty_expire_centisecs). This syncs every two seconds until it is disposed; writers continue meanwhile. It affects
 * all disks of the machine.
 */
export function syncPeriodically(): AsyncDisposable {
  const stop = new AbortController();
  const running = (async () => {
    while (!stop.signal.aborted) {
      await pause(PAUSE_MS, stop.signal);
      await syncAllAside();
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
