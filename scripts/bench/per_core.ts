/**
 * Measures what an installation costs a node's processors, against `curl | zstd -dc | tar x` of the same files.
 *
 *     deno task bench per-core [--cores 1,2] [--tree MiB] [--disk DIR] [--runs N] [--json]
 *
 *     --cores  processors of the node                                            (1,2)
 *     --tree   MiB of this machine's own Debian files to install, at most         (1000)
 *     --disk   install into a folder in DIR; by default into an ext4 in memory
 *     --runs   number of measurements; the median counts                          (3)
 *     --json   print the figures as JSON
 *
 * Both fetch over an unlimited link, at the same zstd level, keep attributes and ACLs, and sync the file system at the
 * end. Ours joins a swarm, hashes pieces (SHA-1), keeps the packs in memory to seed them, decrypts (AES-GCM), verifies
 * (SHA-256), decompresses and writes. The peer fetches a plain file from nginx and verifies nothing; for its last row
 * the file is encrypted and hashed. What counts is MB of files for each second, and for each second of the node's
 * processor time, user and system; the server's is not counted, nor are the kernel's own threads. The server has the
 * processors that the node does not use, or shares one if there are none. Bar: ours ≥ 1.3 × the peer's. The indented
 * rows are the parts alone. Needs root (network namespaces, loop devices) and Debian's curl, nginx, openssl and zstd.
 */
import { parseArgs } from "node:util";
import { makeBenchTree, shell, workplace } from "./bench_tree.ts";
import { BENCH_LEVEL, makeBenchImage } from "./install/bench_image.ts";
import {
  ANNOUNCE,
  compareTrees,
  type Cost,
  InstallLab,
  script,
  SERVER_ADDRESS,
  splitProcessors,
} from "./install/install_lab.ts";
import type { InstallJob, InstallMode } from "./install_node.ts";
import { interruption } from "./interruption.ts";
import { numberOption } from "./number_option.ts";
import { type Bar } from "./swarm/bars.ts";
import { nginxOf } from "./swarm/http.ts";
import { median, printBars } from "./swarm/report.ts";

const BAR = 1.3;
const KEEP = "--xattrs --xattrs-include='*' --acls";

const { values } = parseArgs({
  options: {
    cores: { type: "string", default: "1,2" },
    tree: { type: "string", default: "1000" },
    disk: { type: "string" },
    runs: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const limitMib = numberOption("tree", values.tree);
const runs = numberOption("runs", values.runs, { least: 1, most: 1000 });
const most = navigator.hardwareConcurrency;
const coreCounts = values.cores.split(",").map((text) => numberOption("cores", text, { least: 1, most }));
const signal = interruption();
await using place = await workplace();
const scratch = place.path;
const image = await makeBenchImage(scratch, {
  makeTree: (tree) => makeBenchTree(tree, { limitMib }),
  announce: ANNOUNCE,
});
const packs = `${scratch}/packs`;
await Deno.mkdir(packs);
await shell(`tar c ${KEEP} -C tree . | zstd -q -${BENCH_LEVEL} -T0 -o served/tree.tar.zst`, scratch);
const megabytes = await bytesOf(image.tree) / 1e6;

// encrypted, as an image is
const CIPHER = `openssl enc -aes-256-ctr -K ${"7a".repeat(32)} -iv ${"01".repeat(16)}`;
await shell(`${CIPHER} -in served/tree.tar.zst -out served/sealed`, scratch);

/** What a row measures. */
interface Part {
  readonly name: string;
  readonly argv: (target: string) => string[] | Promise<string[]>;
  /** Whether it leaves the whole tree behind. */
  readonly installs: boolean;
}

type Row = Cost & { readonly name: string };

const curl = (file: string) => `curl --silent --show-error --fail http://${SERVER_ADDRESS}/${file}`;
const unpackTo = (target: string) => `zstd -dc | tar x ${KEEP} -C ${target}`;
const hashed = `${scratch}/hashed`;
const PARTS: readonly Part[] = [
  ours("rackseed", "install"),
  ours("  download", "download"),
  ours("  open frames", "open"),
  ours("  open and write them", "extract"),
  peer("curl | zstd | tar", (target) => `${curl("tree.tar.zst")} | ${unpackTo(target)}`),
  peer("  curl", () => `${curl("tree.tar.zst")} -o /dev/null`),
  peer("  curl | zstd", () => `${curl("tree.tar.zst")} | zstd -dc > /dev/null`),
  peer(
    "  with aes, sha256",
    (target) =>
      `rm -f ${hashed}; mkfifo ${hashed}; sha256sum < ${hashed} > /dev/null & ` +
      `${curl("sealed")} | tee ${hashed} | ${CIPHER} -d | ${unpackTo(target)}; wait`,
  ),
];

const results: { cores: number; rows: Row[] }[] = [];
const bars: Bar[] = [];
for (const cores of coreCounts) {
  const rows = await measureWith(cores);
  results.push({ cores, rows });
  const [own, other] = rows.filter((_, i) => PARTS[i]?.installs);
  const add = (what: string, costOf: (row: Row | undefined) => number | undefined) => {
    const value = (costOf(other) ?? NaN) / (costOf(own) ?? NaN);
    bars.push({
      name: `MB ${what} ÷ the peer's, ${cores} processors`,
      value,
      bar: BAR,
      kept: value >= BAR,
    });
  };
  add("a core second", (row) => row?.coreSeconds);
  add("a second", (row) => row?.seconds);
}
report();

async function measureWith(cores: number): Promise<Row[]> {
  const { serverCpus, cpus } = splitProcessors(cores);
  const lab = { scratch, sizeMib: 2 * limitMib + 512, disk: values.disk, serverCpus, signal };
  await using server = await InstallLab.start(image, lab);
  const nginx = nginxOf(image.served, scratch);
  await server.serve(nginx.argv, nginx.says);
  const taken = PARTS.map((): Cost[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, { name, argv, installs }] of PARTS.entries()) {
      const check = (target: string) => compareTrees(image.tree, target);
      const cost = await server.measure(argv, { cpus, ...(installs && { check }) });
      console.error(
        `${cores} processors, ${name.trim()}: ${cost.seconds.toFixed(2)} s, ${
          cost.coreSeconds.toFixed(2)
        } core s`,
      );
      taken[i]?.push(cost);
    }
  }
  return PARTS.map(({ name }, i) => ({
    name,
    seconds: median((taken[i] ?? []).map(({ seconds }) => seconds)),
    coreSeconds: median((taken[i] ?? []).map(({ coreSeconds }) => coreSeconds)),
  }));
}

function ours(name: string, mode: InstallMode): Part {
  return {
    name,
    installs: mode === "install",
    argv: async (target) => {
      const job: InstallJob = { ...image, target, packs };
      await Deno.writeTextFile(`${scratch}/job`, JSON.stringify(job));
      return script("install_node.ts", [mode, `${scratch}/job`]);
    },
  };
}

function peer(name: string, line: (target: string) => string): Part {
  return {
    name,
    installs: !name.startsWith(" "),
    argv: (target) => {
      const work = `${line(target)}; sync --file-system ${target}`;
      return ["bash", "-o", "pipefail", "-ec", `echo READY; read _; ${work}; echo DONE; read _`];
    },
  };
}

async function bytesOf(tree: string): Promise<number> {
  const { stdout } = await new Deno.Command("du", { args: ["-sb", tree] }).output();
  return Number(new TextDecoder().decode(stdout).split("\t")[0]);
}

function report(): void {
  Deno.exitCode = bars.every(({ kept }) => kept) ? 0 : 1;
  if (values.json) return console.log(JSON.stringify({ megabytes, results, bars }));
  console.log(`${megabytes.toFixed(0)} MB of files, ${(image.torrentBytes / 1e6).toFixed(0)} MB of image`);
  console.log("cores  what                     seconds  core s  MB/core s");
  for (const { cores, rows } of results) {
    for (const { name, seconds, coreSeconds } of rows) {
      const figures = [seconds.toFixed(2).padStart(8), coreSeconds.toFixed(2).padStart(7)];
      const rate = (megabytes / coreSeconds).toFixed(0).padStart(10);
      console.log(`${String(cores).padEnd(6)} ${name.padEnd(24)} ${figures.join(" ")} ${rate}`);
    }
  }
  printBars(bars);
}
