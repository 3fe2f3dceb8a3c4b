/**
 * Measures an installation against its two halves: downloading and extracting at the same time must take little
 * longer than the slower of the two alone.
 *
 *     deno task bench install [--rates 200,400,unlimited] [--tree MiB] [--disk DIR] [--runs N] [--json]
 *
 *     --rates  Mbit/s of the server's and the node's link, or "unlimited"         (200,400,unlimited)
 *     --tree   MiB of this machine's own Debian files to install, at most         (1000)
 *     --disk   install into a folder in DIR; by default into an ext4 in memory
 *     --runs   number of measurements; the median counts                           (1)
 *     --json   print the figures as JSON
 *
 * One server and one node on a limited link. Download: the agent joins the swarm and fetches manifest and all frames.
 * Extract: manifest and pack are already there; they are decoded, verified, written and synced to disk. Install: both
 * at once, as the agent does it; the tree is compared with the original. Packs are in memory. Bar: install ≤ 1.15 ×
 * the longer half. Server and node get half of this machine's processors each, like two machines. Needs root (network
 * namespaces, tc, loop devices) and Debian.
 */
import { parseArgs } from "node:util";
import { makeBenchTree, workplace } from "./bench_tree.ts";
import { makeBenchImage } from "./install/bench_image.ts";
import { withEmptyFileSystem } from "./install/file_system.ts";
import type { InstallJob } from "./install_node.ts";
import { interruption } from "./interruption.ts";
import { LinkLab } from "./link_lab.ts";
import { Program } from "./program.ts";
import { type Bar } from "./swarm/bars.ts";
import { median, printBars } from "./swarm/report.ts";
import { numberOption } from "./number_option.ts";

const BAR = 1.15;
const MODES = ["download", "extract", "install"] as const;
type Mode = typeof MODES[number];
const [SERVER, NODE] = [0, 1];
/** The server is always the lab's first machine. */
const ANNOUNCE = "http://10.213.0.1:6969/announce";

const { values } = parseArgs({
  options: {
    rates: { type: "string", default: "200,400,unlimited" },
    tree: { type: "string", default: "1000" },
    disk: { type: "string" },
    runs: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const rates = values.rates.split(",").map((text) => ({
  text,
  limit: text === "unlimited" ? {} : { rateMbit: numberOption("rates", text) },
}));
const limitMib = numberOption("tree", values.tree);
const runs = numberOption("runs", values.runs);
const signal = interruption();
await using place = await workplace();
const scratch = place.path;
const image = await makeBenchImage(scratch, {
  makeTree: (tree) => makeBenchTree(tree, { limitMib }),
  announce: ANNOUNCE,
});
const packs = `${scratch}/packs`;
await Deno.mkdir(packs);

const bars: Bar[] = [];
const results: ({ rate: string } & Record<Mode, number>)[] = [];
for (const { text: rate, limit } of rates) {
  const seconds = await measureAt(rate, limit);
  results.push({ rate, ...seconds });
  const value = seconds.install / Math.max(seconds.download, seconds.extract);
  bars.push({ name: `install ÷ the longer half, ${linksOf(rate)}`, value, bar: BAR, kept: value <= BAR });
}
report();

async function measureAt(
  rate: string,
  limit: { readonly rateMbit?: number },
): Promise<Record<Mode, number>> {
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await LinkLab.make("install-bench", { count: 2, ...limit }));
  const start = (machine: number, script: string, args: readonly string[]) => {
    signal.throwIfAborted();
    const path = new URL(`./${script}`, import.meta.url).pathname;
    const argv = [...onItsProcessors(machine), Deno.execPath(), "run", "-A", path, ...args];
    return new Program(lab.on(machine, argv), signal);
  };
  const server = start(SERVER, "swarm_node.ts", ["serve", image.torrent, image.served, lab.address(SERVER)]);
  stack.defer(() => server.stop());
  await server.line((line) => line === "READY");
  server.drain();

  const measureOnce = (mode: Mode) =>
    withEmptyFileSystem({ scratch, sizeMib: 2 * limitMib + 512, folder: values.disk }, async (target) => {
      const job: InstallJob = { ...image, target, packs };
      await Deno.writeTextFile(`${scratch}/job`, JSON.stringify(job));
      const node = start(NODE, "install_node.ts", [mode, `${scratch}/job`]);
      try {
        await node.line((line) => line === "READY");
        const started = performance.now();
        await node.go();
        await node.line((line) => line === "DONE");
        const seconds = (performance.now() - started) / 1000;
        console.error(`${linksOf(rate)}, ${mode}: ${seconds.toFixed(2)} s`);
        if (mode === "install") await compare(target);
        return seconds;
      } finally {
        await node.stop();
      }
    });

  const taken: Record<Mode, number[]> = { download: [], extract: [], install: [] };
  for (let run = 0; run < runs; run++) {
    for (const mode of MODES) taken[mode].push(await measureOnce(mode));
  }
  return {
    download: median(taken.download),
    extract: median(taken.extract),
    install: median(taken.install),
  };
}

/** The two machines share no processor: the first gets the lower half of this machine's. */
function onItsProcessors(machine: number): string[] {
  const count = navigator.hardwareConcurrency, half = count >> 1;
  if (half === 0) return [];
  return ["taskset", "--cpu-list", machine === SERVER ? `0-${half - 1}` : `${half}-${count - 1}`];
}

async function compare(target: string): Promise<void> {
  const { success, stdout } = await new Deno.Command("diff", {
    args: ["-rq", "--no-dereference", image.tree, target],
  }).output();
  const text = new TextDecoder().decode(stdout).slice(0, 2000);
  if (!success) throw new Error(`the installed tree is another: ${text}`);
}

function linksOf(rate: string): string {
  return rate === "unlimited" ? "unlimited links" : `${rate} Mbit/s`;
}

function report(): void {
  Deno.exitCode = bars.every(({ kept }) => kept) ? 0 : 1;
  const { torrentBytes } = image;
  if (values.json) return console.log(JSON.stringify({ torrentBytes, results, bars }));
  console.log(`${(torrentBytes / 1e6).toFixed(0)} MB of image`);
  console.log("Mbit/s     download  extract  install, in seconds");
  for (const { rate, download, extract, install } of results) {
    const figures = [[download, 8], [extract, 8], [install, 8]] as const;
    console.log(`${rate.padEnd(10)} ${figures.map(([s, width]) => s.toFixed(2).padStart(width)).join(" ")}`);
  }
  printBars(bars);
}
