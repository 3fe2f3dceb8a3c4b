/**
 * Measures how long an installation takes on volumes, against the plain layout (one disk, one ext4 root) with the same
 * firmware and the same data: `deno task lab` captures and installs each. Counted is the time from the agent's start
 * to its reboot. Bar: ≤ 1.3 × the plain layout. Needs root and Debian; takes about 10 minutes a layout, and the
 * machine should do nothing else meanwhile.
 *
 *     deno task bench layouts [--layouts raid,rhel] [--data MiB] [--json]
 *
 *     --layouts  layouts to measure                                       (raid,rhel)
 *     --data     size of the template application's data, 0 to 999 MiB    (192)
 *     --json     print the figures as JSON
 */
import { parseArgs } from "node:util";
import { layouts } from "../lab/layouts/layouts.ts";
import type { Milestone } from "../lab/timeline.ts";
import { interruption } from "./interruption.ts";
import { numberOption } from "./number_option.ts";
import type { Bar } from "./swarm/bars.ts";
import { printBars } from "./swarm/report.ts";

const BAR = 1.3;
const INSTALLED = "node1: the agent's start to its reboot";

const { values } = parseArgs({
  options: {
    layouts: { type: "string", default: "raid,rhel" },
    data: { type: "string", default: "192" },
    json: { type: "boolean", default: false },
  },
});
const names = values.layouts.split(",");
const dataMiB = numberOption("data", values.data);
const unknown = names.find((name) => !Object.hasOwn(layouts, name));
if (unknown !== undefined) {
  console.error(
    `error: there is no layout ${unknown}. Remedy: choose among ${Object.keys(layouts).join(", ")}.`,
  );
  Deno.exit(2);
}
const signal = interruption();
const scripts = `${import.meta.dirname}/..`;

/** Firmware → seconds. */
const plain = new Map<string, number>();
const bars: Bar[] = [];
const results: { layout: string; firmware: string; seconds: number; plainSeconds: number }[] = [];
for (const layout of names) {
  const firmware = layouts[layout]?.firmware ?? "bios";
  const plainSeconds = plain.get(firmware) ?? await installSeconds(["--firmware", firmware], firmware);
  plain.set(firmware, plainSeconds);
  const seconds = await installSeconds(["--layout", layout, "--brief"], layout);
  const value = seconds / plainSeconds;
  results.push({ layout, firmware, seconds, plainSeconds });
  bars.push({ name: `${layout} ÷ plain, ${firmware.toUpperCase()}`, value, bar: BAR, kept: value <= BAR });
}
if (values.json) console.log(JSON.stringify({ dataMiB, results, bars }, null, 2));
else {
  for (const { layout, firmware, seconds, plainSeconds } of results) {
    console.log(
      `${layout}: installed in ${seconds.toFixed(1)} s; plain, ${firmware.toUpperCase()}: ${
        plainSeconds.toFixed(1)
      } s`,
    );
  }
  printBars(bars);
}
Deno.exit(bars.every(({ kept }) => kept) ? 0 : 1);

/** Seconds from the agent's start to its reboot, in a run of the lab of which every check passed. */
async function installSeconds(shape: readonly string[], name: string): Promise<number> {
  signal.throwIfAborted();
  const keep = `${scripts}/../.cache/lab/bench-${name}`;
  // Standard output is the bench's own.
  const lab = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${scripts}/lab.ts`, ...shape, "--data", String(dataMiB), "--keep", keep],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const end = () => lab.kill("SIGTERM");
  signal.addEventListener("abort", end);
  for await (const chunk of lab.stdout) await Deno.stderr.write(chunk);
  const { success } = await lab.status;
  signal.removeEventListener("abort", end);
  signal.throwIfAborted();
  if (!success) throw new Error(`the lab of ${name} failed: a time of a faulty clone says nothing`);
  const timings: Milestone[] = JSON.parse(await Deno.readTextFile(`${keep}/timings.json`));
  const installed = timings.find(({ what }) => what === INSTALLED);
  if (!installed) throw new Error(`${keep}/timings.json has no line "${INSTALLED}"`);
  return installed.tookMs / 1_000;
}
