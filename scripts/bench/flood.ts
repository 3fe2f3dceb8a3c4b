/**
 * Floods the product's server while a client uses every service: idle connections to every TCP port, requests that
 * never end, floods of TFTP and DHCP. Every 200 ms the client asks each service over a new connection.
 *
 *     deno task bench flood [--only NAME,…] [--seconds 12] [--product PATH] [--json]
 *
 *     --only     only floods with NAME in their names
 *     --seconds  duration of each flood                    (12)
 *     --product  measure another build of the product
 *     --json     print the figures as JSON
 *
 * Bars: every service answers within 1 s throughout, memory grows by less than 100 MiB, and the server survives.
 * Needs root: server and client run in their own network namespaces, on the usual ports. Takes some minutes. Set
 * FLOOD_LOG to see the server's log.
 */
import { parseArgs } from "node:util";
import { FloodLab } from "./flood/lab.ts";
import type { Timings } from "./flood/probe.ts";

const BARS = { answerMs: 1000, grownMib: 100 };
const MIB = 1 << 20;
const MEMORY_TICK_MS = 50;
const TCP = "8443,8080,6881,873";

/** Each load is a process; see `flood/load.ts` for the arguments. */
const FLOODS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "nothing": [],
  "5 000 idle connections to each TCP port, one address": idle(1),
  "5 000 idle connections to each TCP port, 1 000 addresses": idle(1000),
  "10 000 slow requests, 1 000 addresses": [
    ["slow", "8080,8443", "--connections", "2500", "--sources", "1000"],
    ["slow", "8080,8443", "--connections", "2500", "--sources", "1000"],
  ],
  "TFTP: 1 000 requests a second": [["tftp", "--rate", "1000", "--sources", "100"]],
  "DHCP: 500 discovers a second": [["dhcp", "--rate", "500", "--sources", "20"]],
};

function idle(sources: number): string[][] {
  return TCP.split(",").map((port) => ["idle", port, "--connections", "5000", "--sources", `${sources}`]);
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "12" },
    product: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);

interface Row {
  readonly flood: string;
  readonly timings: Timings;
  readonly grownMib: number;
  readonly endGrownMib: number;
  readonly isUp: boolean;
}

const chosen = Object.entries(FLOODS).filter(([name]) =>
  values.only?.split(",").some((part) => name.includes(part)) ?? true
);
if (chosen.length === 0) {
  console.error(
    `error: no flood has ${values.only} in its name. Remedy: choose from ${Object.keys(FLOODS).join("; ")}.`,
  );
  Deno.exit(2);
}
const rows: Row[] = [];
for (const [flood, loads] of chosen) rows.push(await measure(flood, loads));
report();

/** Each flood gets a fresh server, so that floods do not affect one another. */
async function measure(flood: string, loads: readonly (readonly string[])[]): Promise<Row> {
  await using lab = await FloodLab.start(values.product);
  const infoHash = await lab.publish("web");
  await probe(lab, infoHash, 2);
  const before = lab.residentBytes() ?? 0;
  let most = before;
  const watch = setInterval(() => most = Math.max(most, lab.residentBytes() ?? 0), MEMORY_TICK_MS);
  const children = loads.map((args) =>
    lab.spawn("load.ts", [...args, "--seconds", `${seconds + 10}`], { nice: 19 })
  );
  try {
    const timings = await probe(lab, infoHash, seconds + (loads.length > 0 ? 3 : 0));
    const end = lab.residentBytes() ?? 0;
    return {
      flood,
      timings,
      grownMib: (most - before) / MIB,
      endGrownMib: (end - before) / MIB,
      isUp: lab.isUp,
    };
  } finally {
    clearInterval(watch);
    for (const child of children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // Its time was up.
      }
      await child.stdout.cancel();
      await child.status;
    }
  }
}

async function probe(lab: FloodLab, infoHash: string, forSeconds: number): Promise<Timings> {
  const { stdout } = await lab.spawn("probe.ts", [infoHash, lab.caPath, `${forSeconds}`]).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

function report(): void {
  const kept = rows.map(({ timings, grownMib, isUp }) => ({
    answers: Object.values(timings).every(({ ms, lost }) => lost === 0 && Math.max(...ms) <= BARS.answerMs),
    memory: grownMib < BARS.grownMib,
    isUp,
  }));
  if (values.json) console.log(JSON.stringify({ rows, bars: BARS, kept }));
  for (const [i, { flood, timings, grownMib, endGrownMib, isUp }] of values.json ? [] : rows.entries()) {
    console.log(`\n${flood}`);
    console.log(`  ${"".padEnd(16)}  answers    p50 ms    p99 ms    max ms   lost`);
    for (const [service, { ms, lost }] of Object.entries(timings)) {
      const sorted = ms.toSorted((a, b) => a - b);
      const at = (part: number) =>
        (sorted[Math.floor(part * (sorted.length - 1))] ?? NaN).toFixed(0).padStart(8);
      console.log(
        `  ${service.padEnd(16)}  ${String(ms.length).padStart(7)}  ${at(0.5)}  ${at(0.99)}  ${at(1)}  ${
          String(lost).padStart(5)
        }  ${lost === 0 && Math.max(...ms) <= BARS.answerMs ? "pass" : "MISS"}`,
      );
    }
    const memory = `memory grew by at most ${grownMib.toFixed(0)} MiB, ${
      endGrownMib.toFixed(0)
    } MiB at the end`;
    console.log(
      `  ${memory}: ${kept[i]?.memory ? "pass" : "MISS"}; ${
        isUp ? "still running: pass" : "server DIED: MISS"
      }`,
    );
  }
  const all = kept.every(({ answers, memory, isUp }) => answers && memory && isUp);
  if (!values.json) {
    console.log(
      `\nbars: ${BARS.answerMs} ms, ${BARS.grownMib} MiB, server survives: ${all ? "kept" : "MISSED"}`,
    );
  }
  if (!all) Deno.exitCode = 1;
}
