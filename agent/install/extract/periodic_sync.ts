/** Brings what is written to the disk early. */
import { syncAllAside } from "../../sys/kernel.ts";

const PAUSE_MS = 2_000;

/**
 * What a power cut takes is what has not reached the disk yet, and the kernel alone would wait for half a minute
 * (proc_sys_vm(5), dirty_expire_centisecs). So it is told again and again until this is disposed; whoever writes
 * goes on meanwhile. All disks of the machine feel it.
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
