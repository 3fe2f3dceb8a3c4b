/** EZIO's table: N machines install one image onto slow disks at the same time. Real programs, throttled disks. */
import { parseArgs } from "node:util";
import { makeBenchTree, shell, workplace } from "../bench_tree.ts";
import { type BenchImage, makeBenchImage } from "../install/bench_image.ts";
import type { InstallJob } from "../install_node.ts";
import { interruption } from "../interruption.ts";
import { LinkLab } from "../link_lab.ts";
import { numberOption, numbersOption } from "../number_option.ts";
import { Program } from "../program.ts";
import { type Engine, PAYLOAD, SERVER } from "../swarm/engine.ts";
import { provideEngines } from "../swarm/engines.ts";
import { trackerArgv } from "../swarm/ours.ts";
import { makePayload } from "../swarm/payload.ts";
import { ezioTable, type Installation } from "./ezio_table.ts";
import type { FieldTable } from "./field_table.ts";
import { checkThrottle, ThrottledDisks } from "./throttled_disks.ts";

const BUDGET_MS = 20 * 60_000;
/** Beside the files: ext4's own structures, and room. */
const SPARE_MIB = 64;

export async function bench(args: string[]): Promise<FieldTable> {
  const { values } = parseArgs({
    args,
    options: {
      nodes: { type: "string", default: "1,2,8,32" },
      tree: { type: "string", default: "48" },
      rate: { type: "string", default: "25" },
      disk: { type: "string", default: "3.2" },
      engines: { type: "string", default: "ours,libtorrent,udpcast" },
    },
  });
  const counts = numbersOption("nodes", values.nodes);
  const limitMib = numberOption("tree", values.tree);
  const rateMbit = numberOption("rate", values.rate);
  const diskMb = numberOption("disk", values.disk);
  const signal = interruption();
  const names = values.engines.split(",");
  const { engines, absent } = await provideEngines(names.filter((name) => name !== "ours"));

  await using place = await workplace();
  const scratch = place.path;
  await checkThrottle(scratch, diskMb * 1e6);
  await using lab = await LinkLab.make("field-ezio", { count: Math.max(...counts) + 1, rateMbit });
  const image = await makeBenchImage(scratch, {
    makeTree: (tree) => makeBenchTree(tree, { limitMib }),
    announce: `http://${lab.address(SERVER)}:6969/announce`,
  });
  const rawBytes = await bytesOf(image.tree);
  const payload = await makePayload(`${scratch}/raw`, {
    sizeBytes: rawBytes,
    serverAddress: lab.address(SERVER),
  });

  const results: Installation[] = [];
  for (const engine of names.includes("ours") ? [undefined, ...engines] : engines) {
    for (const nodes of counts) {
      await using disks = await ThrottledDisks.make(await Deno.makeTempDir({ dir: scratch }), {
        count: nodes,
        sizeMib: 2 * limitMib + SPARE_MIB,
        bytesPerSecond: diskMb * 1e6,
      });
      const run = { lab, disks, nodes, scratch, signal };
      const seconds = engine ? await copyRaw(engine, payload, run) : await install(image, run);
      const name = engine?.name ?? "ours";
      console.error(`${name}, ${nodes} nodes: ${seconds.toFixed(1)} s`);
      results.push({ engine: name, nodes, seconds });
    }
  }
  return ezioTable(results, { rawBytes, imageBytes: image.torrentBytes, rateMbit, diskMb, absent });
}

interface Run {
  readonly lab: LinkLab;
  readonly disks: ThrottledDisks;
  readonly nodes: number;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/** mkfs, download, extraction and sync on each node; then each tree is compared with the original. */
async function install(image: BenchImage, { lab, disks, nodes, scratch, signal }: Run): Promise<number> {
  await using programs = new Programs(lab, signal);
  const own = (machine: number, script: string, args: readonly string[]) => {
    const path = new URL(`../${script}`, import.meta.url).pathname;
    return programs.start(machine, [Deno.execPath(), "run", "-A", path, ...args]);
  };
  const server = own(SERVER, "swarm_node.ts", ["serve", image.torrent, image.served, lab.address(SERVER)]);
  await server.line((line) => line === "READY");
  server.drain();

  const formatted = performance.now();
  const targets = await Promise.all(Array.from({ length: nodes }, (_, index) => disks.format(index)));
  const formatSeconds = secondsSince(formatted);
  const loaded = await Promise.all(targets.map(async (target, index) => {
    const packs = await Deno.makeTempDir({ dir: scratch });
    const job: InstallJob = { ...image, target, packs };
    const path = `${packs}.job`;
    await Deno.writeTextFile(path, JSON.stringify(job));
    const node = own(index + 1, "install_node.ts", ["install", path]);
    await node.line((line) => line === "READY", BUDGET_MS);
    return { node, packs };
  }));
  const started = performance.now();
  await Promise.all(loaded.map(async ({ node }) => {
    await node.go();
    await node.line((line) => line === "DONE", BUDGET_MS);
  }));
  const seconds = formatSeconds + secondsSince(started);
  for (const target of targets) await shell(`diff -rq --no-dereference ${image.tree} ${target}`, "/");
  for (const { packs } of loaded) await Deno.remove(packs, { recursive: true });
  return seconds;
}

/**
 * The raw bytes as one file on each disk, and a sync. Disks are flushed once a second meanwhile, as our installer
 * flushes its own: otherwise an image this small would stay in the page cache until the end, which a real one cannot.
 */
async function copyRaw(
  engine: Engine,
  payload: { readonly seed: string; readonly torrent: string },
  { lab, disks, nodes, scratch, signal }: Run,
): Promise<number> {
  await using programs = new Programs(lab, signal);
  const place = { lab, scratch: await Deno.makeTempDir({ dir: scratch }), nodes, ...payload };
  if (engine.tracker) {
    const tracker = programs.start(SERVER, trackerArgv(lab, payload.torrent));
    await tracker.line((line) => line === "READY");
  }
  const serverRole = engine.server(place);
  const server = programs.start(SERVER, serverRole.argv);
  await server.line(serverRole.says, 60_000);
  server.drain();
  const folders = await Promise.all(Array.from({ length: nodes }, (_, index) => disks.format(index)));
  const roles = folders.map((folder, index) => engine.node(place, { machine: index + 1, folder }));
  const launch = () => roles.map(({ argv }, index) => programs.start(index + 1, argv));
  const loaded = engine.waitsForGo ? launch() : [];
  await Promise.all(loaded.map((node) => node.line((line) => line === "READY")));
  for (const [index, folder] of folders.entries()) {
    const flush = 'while sleep 1; do sync --file-system "$1"; done';
    programs.start(index + 1, ["sh", "-c", flush, "sh", folder]).drain();
  }
  const started = performance.now();
  await Promise.all(loaded.map((node) => node.go()));
  const receivers = engine.waitsForGo ? loaded : launch();
  await Promise.all(receivers.map(async (node, index) => {
    await node.line(roles[index]!.says, BUDGET_MS);
    node.drain();
    await shell(`sync --file-system ${folders[index]}`, "/");
  }));
  const seconds = secondsSince(started);
  for (const folder of folders) await shell(`cmp ${payload.seed}/${PAYLOAD} ${folder}/${engine.copy}`, "/");
  return seconds;
}

/** The programs of one run; disposing of it ends them. */
class Programs implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  constructor(readonly lab: LinkLab, readonly signal: AbortSignal) {}

  start(machine: number, argv: readonly string[]): Program {
    this.signal.throwIfAborted();
    const program = new Program(this.lab.on(machine, argv), this.signal);
    this.#stack.defer(() => program.stop());
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

/** What the tree occupies on a disk. */
async function bytesOf(tree: string): Promise<number> {
  const { stdout } = await new Deno.Command("du", { args: ["-s", "--block-size=1", tree] }).output();
  return Number(new TextDecoder().decode(stdout).split("\t")[0]);
}
