/** Nodes that are being installed, as the server hears them: each reports as soon as the last answer lets it. */
import { ReportAnswer, type StepReport } from "#contract/api.ts";
import { Latencies, type LoadResult } from "./paced_load.ts";
import type { InstallingNode } from "./pinned_product.ts";

/** Without a pause in the answer. */
const PAUSE_MS = 1000;
/** Of the image that they fetch. */
const IMAGE_BYTES = 1e9, BYTES_PER_SECOND = 1e6;

interface ReportsResult extends LoadResult {
  /** The longest pause that the server asked for. */
  readonly pauseMs: number;
}

/** Lets every node report for so long; the first reports are spread over a pause. */
export async function sendReports(
  nodes: readonly InstallingNode[],
  { server, http, seconds }: { server: string; http: Deno.HttpClient; seconds: number },
): Promise<ReportsResult> {
  const latencies = new Latencies(), beganMs = performance.now(), endMs = beganMs + seconds * 1000;
  let pauseMs = PAUSE_MS;
  const send = async ({ session, racks }: InstallingNode) => {
    const response = await fetch(`${server}/api/v1/node/report`, {
      method: "POST",
      client: http,
      headers: { authorization: `Bearer ${session}`, "content-type": "application/json" },
      body: JSON.stringify({ ...progressAfter(performance.now() - beganMs), racks }),
    });
    return ReportAnswer.parse(await response.json()).nextReportMs ?? PAUSE_MS;
  };
  await Promise.all(nodes.map(async (node, i) => {
    let dueMs = beganMs + i / nodes.length * 2 * PAUSE_MS;
    while (dueMs < endMs) {
      await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
      let nextMs = PAUSE_MS;
      try {
        nextMs = await send(node);
        latencies.add(performance.now() - dueMs);
      } catch {
        latencies.lose();
      }
      pauseMs = Math.max(pauseMs, nextMs);
      // as an agent does: from the beginning of one report to that of the next, but never two at a time
      dueMs = Math.max(dueMs + nextMs, performance.now());
    }
  }));
  return { ...latencies.result(seconds), pauseMs };
}

/** What an agent reports of a download that has run for so long. */
function progressAfter(elapsedMs: number): StepReport {
  const bytesDone = Math.min(IMAGE_BYTES, Math.round(elapsedMs / 1000 * BYTES_PER_SECOND));
  return {
    step: "install",
    state: "running",
    elapsedMs: Math.round(elapsedMs),
    progress: {
      bytesDone,
      bytesTotal: IMAGE_BYTES,
      peers: 50,
      bytesPerSecond: BYTES_PER_SECOND,
      source: "peers",
      webSeedBytes: 0,
      sources: {
        peerId: "-RS0100-000000000000",
        server: 0,
        web: 0,
        peers: bytesDone,
        from: Array.from({ length: 8 }, (_, i) => ({
          peerId: `-RS0100-00000000000${i}`,
          address: `10.0.0.${i}:6881`,
          bytes: Math.floor(bytesDone / 8),
        })),
      },
    },
    times: {
      workers: 2,
      starvedMs: 900,
      busyMs: 100,
      blockedMs: 0,
      mainMs: 0,
      fetchedBytes: bytesDone,
      fetchMs: Math.round(elapsedMs),
    },
  };
}
