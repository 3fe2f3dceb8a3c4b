/**
 * Measures an installation against its two halves: downloading and extracting at the same time must take little
 * longer than the slower of the two alone.
 *
 *     deno task bench install [--rates 200,400,unlimited] [--tree MiB] [--disk DIR] [--runs N] [--cores N] [--json]
 *
 *     --rates  Mbit/s of the server's and the node's link, or "unlimited"         (200,400,unlimited)
 *     --tree   MiB of this machine's own Debian files to install, at most         (1000)
 *     --disk   install into a folder in DIR; by default into an ext4 in memory
 *     --runs   number of measurements; the median counts                           (1)
 *     --cores  processors of the node                                     (half of all)
 *     --json   print the figures as JSON
 *
 * One server and one node on a limited link. Download: the agent joins the swarm and fetches manifest and all frames.
 * Extract: manifest and pack are already there; they are decoded, verified, written and synced to disk. Install: both
 * at once, as the agent does it; the tree is compared with the original. Packs are in memory. Bar: install ≤ 1.05 ×
 * the longer half. The server has the processors that the node does not use; if the node has all, it shares one. With a
 * single processor, the two halves take turns on it. Needs root (network namespaces, tc, loop devices) and Debian.
 */
import { parseArgs } from "node:util";
import { makeBenchTree, workplace } from "./bench_tree.ts";
import { makeBenchImage } from "./install/bench_image.ts";
import { ANNOUNCE, compareTrees, InstallLab, script, splitProcessors } from "./install/install_lab.ts";
import type { InstallJob } from "./install_node.ts";
import { interruption } from "./interruption.ts";
import { type Bar } from "./swarm/bars.ts";
import { median, printBars } from "./swarm/report.ts";
import { numberOption } from "./number_option.ts";

const BAR = 1.05;
const MODES = ["download", "extract", "install"] as const;
type Mode = typeof MODES[number];

const { values } = parseArgs({
  options: {
    rates: { type: "string", default: "200,400,unlimited" },
    tree: { type: "string", default: "1000" },
    disk: { type: "string" },
    runs: { type: "string", default: "1" },
    cores: { type: "string", default: String(Math.max(1, navigator.hardwareConcurrency >> 1)) },
    json: { type: "boolean", default: false },
  },
});
const rates = values.rates.split(",").map((text) => ({
  text,
  limit: text === "unlimited" ? {} : { rateMbit: numberOption("rates", text) },
}));
const limitMib = numberOption("tree", values.tree);
const runs = numberOption("runs", values.runs);
const cores = numberOption("cores", values.cores, { least: 1, most: navigator.hardwareConcurrency });
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
  const { serverCpus, cpus } = splitProcessors(cores);
  const sizeMib = 2 * limitMib + 512, disk = values.disk;
  const options = { scratch, sizeMib, disk, serverCpus, signal, ...limit };
  await using lab = await InstallLab.start(image, options);
  const taken: Record<Mode, number[]> = { download: [], extract: [], install: [] };
  for (let run = 0; run < runs; run++) {
    for (const mode of MODES) {
      const { seconds, coreSeconds } = await lab.measure(async (target) => {
        const job: InstallJob = { ...image, target, packs };
        await Deno.writeTextFile(`${scratch}/job`, JSON.stringify(job));
        return script("install_node.ts", [mode, `${scratch}/job`]);
      }, {
        cpus,
        ...(mode === "install" && { check: (target) => compareTrees(image.tree, target) }),
      });
      console.error(
        `${linksOf(rate)}, ${mode}: ${seconds.toFixed(2)} s, processor ${coreSeconds.toFixed(2)} s`,
      );
      taken[mode].push(seconds);
    }
  }
  return {
    download: median(taken.download),
    extract: median(taken.extract),
    install: median(taken.install),
  };
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
