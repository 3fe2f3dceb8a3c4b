/**
 * Measures the capture of a tree, from the walk to the stored version, without its torrent and boot files, against
 * `tar c | zstd -T2` at the same level, on two processors. Both keep attributes, ACLs and holes.
 *
 *     deno run -A scripts/bench/capture.ts [--rounds N] [--levels 3,9] [--json]
 *
 *     --rounds  number of measurements; the median counts     (3)
 *     --levels  zstd levels, one comparison each              (3,9)
 *     --json    print the figures as JSON
 *
 * The agent walks, hashes, cuts, asks and sends; the server verifies, compresses, seals and writes packs. Here both
 * are threads of one process, without a network in between, and have started before the clock does. The processor
 * time is printed too, since other work on the machine affects it least. Needs root, GNU tar and zstd.
 */
import { parseArgs } from "node:util";
import { messageOf } from "#contract/errors.ts";
import { SEALED_KEY_BYTES } from "#contract/format/sealed.ts";
import type { CaptureService } from "../../server/capture/capture_service.ts";
import { openTestServer } from "../../server/capture/testing/service.ts";
import {
  type Comparison,
  makeBenchTree,
  printComparisons,
  secondsOf,
  shell,
  useTwoProcessors,
  workplace,
} from "./bench_tree.ts";
import type { Call, CallAnswer, Order } from "./capture_agent.ts";
import { numberOption, numbersOption } from "./number_option.ts";

const BAR = 1.1;

interface Cost {
  readonly seconds: number;
  /** Processor seconds. */
  readonly processor: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    levels: { type: "string", default: "3,9" },
    json: { type: "boolean", default: false },
  },
});

/** Handles a call of the agent as the HTTP routes do. */
async function serve(service: CaptureService, id: string, { path, body, json }: Call) {
  const content = body ?? new Uint8Array(0);
  const [last = "", before] = path.split("/").toReversed();
  if (last === "known") return service.known(id, content) as Uint8Array<ArrayBuffer>;
  if (last === "frames") await service.addFrame(id, content);
  else if (last === "progress") service.progress(id, json as Parameters<CaptureService["progress"]>[1]);
  else if (before === "entries") service.addEntries(id, Number(last), content);
  else await service.endEntries(id, content);
  return undefined;
}

/** The agent's thread, once it runs. */
async function startAgent(): Promise<Worker> {
  const agent = new Worker(new URL("./capture_agent.ts", import.meta.url), { type: "module" });
  await new Promise<void>((resolve, reject) => {
    agent.onmessage = () => resolve();
    agent.onerror = ({ message }) => reject(new Error(message));
  });
  return agent;
}

async function send(service: CaptureService, { agent, ...order }: Order & { agent: Worker }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  agent.onerror = ({ message }) => reject(new Error(message));
  agent.onmessage = async ({ data }: MessageEvent<Call | "sent">) => {
    if (data === "sent") return resolve();
    let answer: CallAnswer;
    try {
      const body = await serve(service, order.capture, data);
      answer = { number: data.number, ...(body && { body }) };
    } catch (error) {
      answer = { number: data.number, error: messageOf(error) };
    }
    agent.postMessage(answer);
  };
  agent.postMessage(order);
  await promise;
}

/** From the order to the stored version. Before it, server and agent have started, as services have. */
async function capture(place: string, { level }: { level: number }): Promise<Cost> {
  await using server = await openTestServer(`${place}/data`);
  const { service, store: { pool } } = server;
  const { id } = service.begin({ image: "bench", level, excludes: [] });
  const agent = await startAgent();
  try {
    const key = new Uint8Array(SEALED_KEY_BYTES);
    // one for each of the pool's threads, which have started when they answer
    await Promise.all(Array.from({ length: pool.size }, () => pool.seal(new Uint8Array(1), { key, level })));
    const before = processorSeconds().own;
    const seconds = await secondsOf(async () => {
      await send(service, { agent, tree: `${place}/tree`, capture: id });
      const { state, problem } = await server.ended(id);
      if (state !== "published") throw new Error(`the capture ended as ${state}: ${problem?.detail}`);
    });
    return { seconds, processor: processorSeconds().own - before };
  } finally {
    agent.terminate();
  }
}

/** Processor seconds used by this process with its threads, and by programs that it ran; proc_pid_stat(5). */
function processorSeconds(): { own: number; programs: number } {
  const stat = Deno.readTextFileSync("/proc/self/stat");
  // utime, stime, cutime and cstime, in 1/100 s.
  const [user, system, theirUser, theirSystem] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(
    11,
    15,
  )
    .map(Number) as [number, number, number, number];
  return { own: (user + system) / 100, programs: (theirUser + theirSystem) / 100 };
}

await useTwoProcessors();
await using place = await workplace();
const { path } = place;
await shell("mkdir tree", path);
await makeBenchTree(`${path}/tree`);
const comparisons: Comparison[] = [];
const rounds = numberOption("rounds", values.rounds);
for (const level of numbersOption("levels", values.levels)) {
  const ours: number[] = [], peer: number[] = [], processor = { ours: [] as number[], peer: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const cost = await capture(path, { level });
    ours.push(cost.seconds);
    processor.ours.push(cost.processor);
    await shell("rm -rf data", path);
    const tar = "tar c --sparse --xattrs --xattrs-include='*' --acls -C tree .";
    const between = processorSeconds();
    peer.push(await secondsOf(() => shell(`${tar} | zstd -q -T2 -${level} -o tree.tar.zst`, path)));
    processor.peer.push(processorSeconds().programs - between.programs);
    await shell("rm tree.tar.zst", path);
  }
  if (!values.json) {
    const [mine, theirs] = [Math.min(...processor.ours), Math.min(...processor.peer)];
    console.log(`level ${level}, processor time: ${mine.toFixed(2)} s against ${theirs.toFixed(2)} s`);
  }
  comparisons.push({ name: `capture, level ${level}`, bar: BAR, ours, peer });
}
Deno.exitCode = printComparisons(comparisons, values) ? 0 : 1;
