import assert from "node:assert/strict";
import type { AnnounceResponse } from "./announce.ts";
import { Announcer } from "./announcer.ts";

const ANSWER: AnnounceResponse = { intervalSeconds: 30, complete: 0, incomplete: 0, peers: [] };
const FIGURES = { port: 6881, uploaded: 0, downloaded: 0, left: 0 };

/** Runs an announcer without real waits, until it has waited `waits` times. */
async function announced(
  tiers: readonly (string | string[])[],
  { isUp, waits, during, random = () => 0 }: {
    isUp: (url: string, round: number) => boolean;
    waits: number;
    during?: (announcer: Announcer, round: number) => void;
    random?: () => number;
  },
): Promise<{ asked: string[]; waitedMs: number[]; announcer: Announcer }> {
  const stop = new AbortController();
  const asked: string[] = [];
  const waitedMs: number[] = [];
  let now = 0;
  const announcer: Announcer = new Announcer(tiers, {
    announce: (url, { request }) => {
      asked.push(request.event ? `${url} ${request.event}` : url);
      return isUp(url, waitedMs.length) ? Promise.resolve(ANSWER) : Promise.reject(new Error("down"));
    },
    clock: {
      now: () => now,
      sleep: (ms) => {
        waitedMs.push(ms);
        now += ms;
        during?.(announcer, waitedMs.length);
        if (waitedMs.length === waits) stop.abort();
        return Promise.resolve();
      },
    },
    random,
    request: () => ({ infoHash: new Uint8Array(20), peerId: new Uint8Array(20), ...FIGURES }),
    onResponse: () => {},
  });
  await announcer.run(stop.signal);
  return { asked, waitedMs, announcer };
}

Deno.test("the next tier is asked if the one before does not answer, and the first again after a pause", async () => {
  const { asked, waitedMs } = await announced(["http://a", "udp://b"], {
    isUp: (url, round) => url === "udp://b" || round > 1,
    waits: 3,
  });
  assert.deepEqual(asked, [
    "http://a started",
    "udp://b started",
    "http://a started",
    "udp://b",
    "http://a started",
  ]);
  assert.deepEqual(waitedMs, [30_000, 30_000, 30_000]);
});

Deno.test("a tier's order is random, but the tracker that answered comes first from then on", async () => {
  const ranks = [0.9, 0.5, 0.1];
  const { asked } = await announced([["http://a", "http://b", "http://c"]], {
    random: () => ranks.shift() ?? 0,
    isUp: (url) => url === "http://b",
    waits: 2,
  });
  assert.deepEqual(asked, ["http://c started", "http://b started", "http://b"]);
});

Deno.test("trackers that are all down are asked less and less often, but never given up", async () => {
  const { asked, waitedMs } = await announced(["http://a"], { isUp: () => false, waits: 8 });
  assert.deepEqual(waitedMs, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.equal(asked.length, 8);
});

Deno.test("a download that completes before any tracker has answered is announced all the same", async () => {
  const { asked } = await announced(["http://a"], {
    isUp: (_, round) => round > 0,
    waits: 2,
    during: (announcer, round) => round === 1 && announcer.complete(),
  });
  assert.deepEqual(asked, ["http://a started", "http://a started", "http://a completed"]);
});

Deno.test("'stopped' goes only to the trackers that know us", async () => {
  const { asked, announcer } = await announced(["http://a", "udp://b"], {
    isUp: (url) => url === "udp://b",
    waits: 1,
  });
  asked.length = 0;
  await announcer.stop(new AbortController().signal);
  assert.deepEqual(asked, ["udp://b stopped"]);
});
