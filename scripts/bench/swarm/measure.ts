/** Measures one engine with one number of nodes once, with the same code for every engine. */
import type { LinkLab } from "../link_lab.ts";
import { Program } from "../program.ts";
import { type Engine, PAYLOAD, type Place, SERVER } from "./engine.ts";
import { trackerArgv } from "./ours.ts";

export interface Sample {
  /** Seconds from the start of the nodes to the last byte of the last node. */
  readonly seconds: number;
  /** Processor seconds of the server and all nodes from the same moment, without a separate tracker. */
  readonly cpuSeconds: number;
  /** The peak memory of the largest node, without pages of the payload. */
  readonly memoryBytes: number;
  /** Bytes sent on the server's link, with hardly any TCP headers, since packets are segmented later. */
  readonly serverSentBytes: number;
  /** Bytes sent between the racks, if there are two. */
  readonly crossedBytes: number;
}

/** Machines that fall silent during a run. */
export interface PowerCut {
  /** Nodes count from 1. */
  readonly machines: readonly number[];
  /** From the start of the nodes. */
  readonly afterMs: number;
}

interface MeasureOptions {
  readonly place: Place;
  readonly powerCut?: PowerCut;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const SAMPLE_MS = 250;

/**
 * Throws if a program fails or a node's copy differs from the payload; machines without power are not waited for.
 * Leaves no program running.
 */
export async function measure(
  engine: Engine,
  { place, powerCut, timeoutMs, signal }: MeasureOptions,
): Promise<Sample> {
  const { lab, nodes, scratch, seed } = place;
  await using stack = new AsyncDisposableStack();
  const start = (machine: number, argv: readonly string[]) => {
    signal.throwIfAborted();
    const program = new Program(lab.on(machine, argv), signal);
    stack.defer(() => program.stop());
    return program;
  };
  if (engine.tracker) {
    const tracker = start(SERVER, trackerArgv(lab, place.torrent));
    await tracker.line((line) => line === "READY");
  }
  const role = engine.server(place);
  const server = start(SERVER, role.argv);
  await server.line(role.says, 60_000);
  server.drain();

  const machines = Array.from({ length: nodes }, (_, i) => i + 1);
  const folderOf = (machine: number) => `${scratch}/node-${machine}`;
  for (const machine of machines) await Deno.mkdir(folderOf(machine));
  const roles = machines.map((machine) => engine.node(place, { machine, folder: folderOf(machine) }));
  const launch = () => roles.map(({ argv }, i) => start(machines[i] as number, argv));
  const loaded = engine.waitsForGo ? launch() : [];
  await Promise.all(loaded.map((node) => node.line((line) => line === "READY")));

  const cpuOf = (programs: readonly Program[]) => programs.reduce((sum, p) => sum + p.cpuSeconds(), 0);
  const before = {
    cpu: cpuOf([server, ...loaded]),
    sent: await lab.sentBytes(SERVER),
    crossed: await lab.crossedBytes(),
    at: performance.now(),
  };
  await Promise.all(loaded.map((node) => node.go()));
  const programs = engine.waitsForGo ? loaded : launch();
  using memory = watchMemory(programs);
  if (powerCut) stack.use(cutPower(lab, powerCut, before.at));
  const survivors = machines.filter((machine) => !powerCut?.machines.includes(machine));
  const end = async (machine: number) => {
    const node = programs[machine - 1]!;
    await node.line(roles[machine - 1]!.says, timeoutMs);
    node.drain();
  };
  await Promise.all(survivors.map(end));
  const seconds = (performance.now() - before.at) / 1000;
  const sample = {
    seconds,
    cpuSeconds: cpuOf([server, ...programs]) - before.cpu,
    memoryBytes: memory.peakBytes(),
    serverSentBytes: await lab.sentBytes(SERVER) - before.sent,
    crossedBytes: await lab.crossedBytes() - before.crossed,
  };
  for (const machine of survivors) {
    await compare(`${seed}/${PAYLOAD}`, `${folderOf(machine)}/${engine.copy}`);
  }
  return sample;
}

/** At its time, links go down; disposing of it brings them up again. */
function cutPower(lab: LinkLab, { machines, afterMs }: PowerCut, startedAt: number): AsyncDisposable {
  const set = (state: "up" | "down") => Promise.all(machines.map((machine) => lab.setLink(machine, state)));
  let cut: Promise<unknown> | undefined;
  const timer = setTimeout(() => cut = set("down"), startedAt + afterMs - performance.now());
  return {
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await cut;
      await set("up");
    },
  };
}

function watchMemory(programs: readonly Program[]): Disposable & { peakBytes(): number } {
  let peak = 0;
  const look = () => {
    for (const program of programs) peak = Math.max(peak, program.memoryBytes());
  };
  const timer = setInterval(look, SAMPLE_MS);
  return {
    peakBytes: () => {
      look();
      return peak;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

async function compare(original: string, copy: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("cmp", { args: [original, copy] }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`a node has other bytes: ${text.decode(stdout)}${text.decode(stderr)}`);
}
