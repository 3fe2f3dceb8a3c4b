/** What limits a node's installation: its link, its disk or its processor. Pure. */
import type { InstallTimes, Limit } from "#contract/api/distribution.ts";
import { formatRate } from "#contract/rate_text.ts";

/** From this share of one processor on, the main thread (network, hashing) can take no more bytes. */
const MAIN_THREAD_FULL = 0.8;

interface Bottleneck {
  readonly limit: Limit;
  /** Human-readable, with the figures. */
  readonly reason: string;
}

/** Undefined if the node has measured nothing yet. */
export function bottleneckOf(
  { workers, starvedMs, busyMs, blockedMs, mainMs, fetchedBytes, fetchMs }: InstallTimes,
): Bottleneck | undefined {
  const total = starvedMs + busyMs + blockedMs;
  if (total === 0) return undefined;
  const percent = (ms: number) => `${Math.round(ms / total * 100)} %`;
  const shares =
    `of its workers' time ${percent(starvedMs)} waited for frames, ${percent(busyMs)} computed, ` +
    `${percent(blockedMs)} waited for the disk`;
  const rate = fetchMs > 0 ? `; ${formatRate(fetchedBytes / fetchMs * 1000)} came in` : "";
  const main = mainMs / (total / workers);
  const reason = `${shares}${rate}`;
  if (blockedMs >= busyMs && blockedMs >= starvedMs) return { limit: "disk", reason };
  if (busyMs >= starvedMs) return { limit: "cpu", reason };
  if (main < MAIN_THREAD_FULL) return { limit: "link", reason };
  // frames came late because the thread that receives them was busy, not because the link was slow
  return { limit: "cpu", reason: `${reason}, and receiving took ${Math.round(main * 100)} % of a processor` };
}
