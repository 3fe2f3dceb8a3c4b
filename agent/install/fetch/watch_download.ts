/** Waits for work that needs the swarm, and gives up when nothing arrives any more. */
import { RackseedError } from "#contract/errors.ts";
import type { DownloadProgress } from "./download.ts";
import type { ImageDownload } from "./image_download.ts";

/** Ends the installation if not one byte arrives for this long. */
const STALL_MS = 10 * 60_000;
const TICK_MS = 1_000;

/**
 * Resolves as `work` does, and calls `tick` once a second meanwhile. Rejects with the signal's reason as soon as it
 * aborts. Throws RackseedError if the download stalls.
 */
export async function watchDownload<T>(
  download: Pick<ImageDownload, "progress">,
  { work, tick, signal }: {
    work: Promise<T>;
    tick: (transfer: DownloadProgress) => void;
    signal: AbortSignal;
  },
): Promise<T> {
  signal.throwIfAborted();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  let last = { bytes: -1, at: performance.now() };
  const timer = setInterval(() => {
    const transfer = download.progress(), now = performance.now();
    tick(transfer);
    if (transfer.bytesDone !== last.bytes) last = { bytes: transfer.bytesDone, at: now };
    else if (transfer.bytesDone < transfer.bytesTotal && now - last.at > STALL_MS) reject(stalled(transfer));
  }, TICK_MS);
  try {
    return await Promise.race([work, failed]);
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", stop);
  }
}

function stalled({ peers }: DownloadProgress): RackseedError {
  return new RackseedError("cannot fetch the image", {
    reason: `nothing has arrived for ${STALL_MS / 60_000} minutes; connected peers: ${peers}.`,
    remedy: "check that the server is seeding and that no firewall stands between it and the nodes.",
    status: 503,
  });
}
