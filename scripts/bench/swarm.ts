/**
 * Time and cost of handing one torrent to N nodes, each on a limited link, against aria2 on the same bytes.
 *
 *     deno run -A scripts/bench/swarm.ts [--size MiB] [--rate Mbit] [--nodes 1,4] [--vs aria2] [--json]
 *
 * Needs root (network namespaces, tc), and aria2 for --vs. Bars: T(4) ≤ 1.2 × T(1), and ≤ aria2's T(4).
 */
import { randomFillSync } from "node:crypto";
import { parseArgs } from "node:util";
import { createInfo } from "#contract/torrent/create_metainfo.ts";
import { encodeMetainfo } from "#contract/torrent/metainfo.ts";
import { LinkLab } from "./link_lab.ts";
import { Program } from "./program.ts";

interface Result {
  readonly engine: "ours" | "aria2";
  readonly nodes: number;
  /** From the start to the last node's last verified piece. */
  readonly seconds: number;
  readonly cpuSecondsPerGb: number;
  /** What the server's link carried, as a multiple of the torrent's size. */
  readonly serverSent: number;
}

interface Bench {
  readonly lab: LinkLab;
  readonly directory: string;
  readonly torrent: string;
  readonly sizeBytes: number;
}

const FILES = 4;
const { values } = parseArgs({
  options: {
    size: { type: "string", default: "256" },
    rate: { type: "string", default: "200" },
    nodes: { type: "string", default: "1,4" },
    vs: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const counts = values.nodes.split(",").map(Number);
const sizeBytes = Number(values.size) * 1024 * 1024;
const rateMbit = Number(values.rate);
const results: Result[] = [];

// In memory, so that links and processors are measured and no disk is.
const directory = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "rackseed-bench-" });
const abort = new AbortController();
Deno.addSignalListener("SIGINT", () => abort.abort(new Error("interrupted")));
try {
  await using lab = await LinkLab.make("torrent-bench", { count: Math.max(...counts) + 1, rateMbit });
  const bench = { lab, directory, torrent: `${directory}/bench.torrent`, sizeBytes };
  await makeTorrent(bench);
  for (const nodes of counts) {
    results.push(await measureOurs(bench, nodes));
    if (values.vs === "aria2") results.push(await measureAria2(bench, nodes));
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
report();

async function makeTorrent({ lab, directory, torrent, sizeBytes }: Bench): Promise<void> {
  await Deno.mkdir(`${directory}/seed/bench`, { recursive: true });
  const files = Array.from({ length: FILES }, (_, i) => ({
    name: `${i}.pack`,
    path: `${directory}/seed/bench/${i}.pack`,
  }));
  for (const { path } of files) Deno.writeFileSync(path, randomFillSync(new Uint8Array(sizeBytes / FILES)));
  const info = await createInfo("bench", { files });
  const announce = [`http://${lab.address(0)}:6969/announce`];
  Deno.writeFileSync(torrent, encodeMetainfo(info, { announce, webSeeds: [] }));
}

function measureOurs(bench: Bench, nodes: number): Promise<Result> {
  const { lab, directory, torrent } = bench;
  return measure(bench, {
    engine: "ours",
    nodes,
    server: [node(lab, { on: 0, args: ["serve", torrent, `${directory}/seed/bench`, lab.address(0)] })],
    leech: (index, folder) => node(lab, { on: index, args: ["leech", torrent, folder, lab.address(index)] }),
    folderOf: (folder) => folder,
    waitsForGo: true,
    isDone: (line) => line.startsWith("DONE"),
  });
}

function measureAria2(bench: Bench, nodes: number): Promise<Result> {
  const { lab, directory, torrent } = bench;
  // aria2 logs nothing when a download turns into seeding.
  Deno.writeTextFileSync(`${directory}/hook`, "#!/bin/sh\necho COMPLETE\n", { mode: 0o755 });
  const aria2 = (index: number, folder: string, more: string[]) =>
    lab.on(index, [
      "aria2c",
      "--no-conf",
      "--enable-dht=false",
      "--enable-dht6=false",
      "--bt-enable-lpd=false",
      "--file-allocation=none",
      "--seed-ratio=0.0",
      `--on-bt-download-complete=${directory}/hook`,
      "--listen-port=6881",
      "--bt-max-peers=0",
      "--summary-interval=0",
      "--console-log-level=notice",
      "--show-console-readout=false",
      "--enable-color=false",
      `--dir=${folder}`,
      ...more,
      torrent,
    ]);
  return measure(bench, {
    engine: "aria2",
    nodes,
    server: [
      node(lab, { on: 0, args: ["track", torrent, lab.address(0)] }),
      aria2(0, `${directory}/seed`, ["--check-integrity=true", "--bt-seed-unverified=false"]),
    ],
    leech: (index, folder) => aria2(index, folder, []),
    folderOf: (folder) => `${folder}/bench`,
    waitsForGo: false,
    isDone: (line) => line === "COMPLETE",
  });
}

function node(lab: LinkLab, { on, args }: { on: number; args: string[] }): string[] {
  return lab.on(on, [
    Deno.execPath(),
    "run",
    "-A",
    new URL("swarm_node.ts", import.meta.url).pathname,
    ...args,
  ]);
}

async function measure(bench: Bench, run: {
  engine: Result["engine"];
  nodes: number;
  server: string[][];
  leech: (index: number, folder: string) => string[];
  /** Where the engine puts the torrent's files. */
  folderOf: (folder: string) => string;
  /** The program prints READY and waits for a line, so that its loading is not measured. */
  waitsForGo: boolean;
  isDone: (line: string) => boolean;
}): Promise<Result> {
  const { lab, directory, sizeBytes } = bench;
  const programs: Program[] = [];
  try {
    for (const argv of run.server) {
      const program = new Program(argv, abort.signal);
      programs.push(program);
      await program.line((line) => line === "READY" || line.includes("listening on TCP port"));
    }
    const sentBefore = await lab.sentBytes(0);
    const folders = Array.from({ length: run.nodes }, (_, i) => `${directory}/${run.engine}-${i + 1}`);
    for (const folder of folders) await Deno.mkdir(folder);
    let start = performance.now();
    const leeches = folders.map((folder, i) => new Program(run.leech(i + 1, folder), abort.signal));
    programs.push(...leeches);
    if (run.waitsForGo) {
      await Promise.all(leeches.map((leech) => leech.line((line) => line === "READY")));
      start = performance.now();
      await Promise.all(leeches.map((leech) => leech.go()));
    }
    await Promise.all(leeches.map((leech) => leech.line(run.isDone)));
    const seconds = (performance.now() - start) / 1000;
    const cpuSeconds = programs.reduce((sum, program) => sum + program.cpuSeconds(), 0);
    const serverSent = (await lab.sentBytes(0) - sentBefore) / sizeBytes;
    for (const folder of folders) {
      await compare(`${directory}/seed/bench`, run.folderOf(folder));
      await Deno.remove(folder, { recursive: true });
    }
    const gigabytes = sizeBytes * run.nodes / 1e9;
    return {
      engine: run.engine,
      nodes: run.nodes,
      seconds,
      cpuSecondsPerGb: cpuSeconds / gigabytes,
      serverSent,
    };
  } finally {
    for (const program of programs) await program.stop();
  }
}

async function compare(seed: string, copy: string): Promise<void> {
  const { success, stdout } = await new Deno.Command("diff", { args: ["-r", seed, copy] }).output();
  if (!success) throw new Error(`the download differs: ${new TextDecoder().decode(stdout)}`);
}

function report(): void {
  const secondsOf = (engine: Result["engine"], nodes: number) =>
    results.find((result) => result.engine === engine && result.nodes === nodes)?.seconds ?? NaN;
  const most = Math.max(...counts);
  const bars = {
    [`T(${most})/T(1)`]: { value: secondsOf("ours", most) / secondsOf("ours", 1), bar: 1.2 },
    [`ours/aria2 at ${most}`]: { value: secondsOf("ours", most) / secondsOf("aria2", most), bar: 1.0 },
  };
  const measured = Object.entries(bars).filter(([, { value }]) => !Number.isNaN(value));
  if (values.json) {
    return console.log(JSON.stringify({ sizeBytes, rateMbit, results, bars: Object.fromEntries(measured) }));
  }
  console.log(
    `${values.size} MiB, ${rateMbit} Mbit/s, link limit ${(sizeBytes * 8 / rateMbit / 1e6).toFixed(1)} s`,
  );
  console.log("engine  nodes  seconds  CPU s/GB  server sent");
  for (const { engine, nodes, seconds, cpuSecondsPerGb, serverSent } of results) {
    console.log(
      `${engine.padEnd(7)} ${String(nodes).padStart(5)}  ${seconds.toFixed(1).padStart(7)}  ` +
        `${cpuSecondsPerGb.toFixed(1).padStart(8)}  ${serverSent.toFixed(2).padStart(8)} ×`,
    );
  }
  for (const [name, { value, bar }] of measured) {
    console.log(`${name} = ${value.toFixed(2)} (bar ${bar.toFixed(1)}) ${value <= bar ? "ok" : "MISSED"}`);
  }
}
