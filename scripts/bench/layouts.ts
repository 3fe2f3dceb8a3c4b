/**
 * Measures how long an installation takes on volumes, against the plain layout (one disk, one ext4 root) with the same
 * firmware and the same data: `deno task lab` captures and installs each. Counted is the time from the agent's start
 * to its reboot. Bar: ≤ 1.3 × the plain layout. The median of several installations counts, since one alone says
 * little: in 60 to 90 s, the clone's RSA host key takes between 8 and 19 s, by the chance of its primes. Needs root and
 * Debian; takes about 10 minutes a layout, and the machine should do nothing else meanwhile.
 *
 *     deno task bench layouts [--layouts raid,rhel] [--installs N] [--data MiB] [--json]
 *
 *     --layouts   layouts to measure                                          (raid,rhel)
 *     --installs  installations of each layout, 1 to 9; the median counts     (3)
 *     --data      size of the template application's data, 0 to 999 MiB       (192)
 *     --json      print the figures as JSON
 */
import { parseArgs } from "node:util";
import { layouts } from "../lab/layouts/layouts.ts";
import type { Milestone } from "../lab/timeline.ts";
import { interruption } from "./interruption.ts";
import { numberOption } from "./number_option.ts";
import type { Bar } from "./swarm/bars.ts";
import { median, printBars } from "./swarm/report.ts";

const BAR = 1.3;
const INSTALLED = "node1: the agent's start to its reboot";

const { values } = parseArgs({
  options: {
    layouts: { type: "string", default: "raid,rhel" },
    installs: { type: "string", default: "3" },
    data: { type: "string", default: "192" },
    json: { type: "boolean", default: false },
  },
});
const names = values.layouts.split(",");
const installs = numberOption("installs", values.installs, { least: 1, most: 9 });
const dataMiB = numberOption("data", values.data, { least: 0, most: 999 });
const unknown = names.find((name) => !Object.hasOwn(layouts, name));
if (unknown !== undefined) {
  console.error(
    `error: there is no layout ${unknown}. Remedy: choose among ${Object.keys(layouts).join(", ")}.`,
  );
  Deno.exit(2);
}
const signal = interruption();
const scripts = `${import.meta.dirname}/..`;

/** Layout or firmware → seconds of each installation. */
const taken = new Map<string, number[]>();
const plainOf = (layout: string) => layouts[layout]?.firmware ?? "bios";
for (const firmware of new Set(names.map(plainOf))) {
  taken.set(firmware, await installSeconds(["--firmware", firmware], firmware));
}
for (const layout of names) taken.set(layout, await installSeconds(["--layout", layout, "--brief"], layout));
const secondsOf = (name: string) => median(taken.get(name) ?? []);
const results = names.map((layout) => {
  const firmware = plainOf(layout);
  return { layout, firmware, seconds: secondsOf(layout), plainSeconds: secondsOf(firmware) };
});
const bars: Bar[] = results.map(({ layout, firmware, seconds, plainSeconds }) => {
  const value = seconds / plainSeconds;
  return { name: `${layout} ÷ plain, ${firmware.toUpperCase()}`, value, bar: BAR, kept: value <= BAR };
});
if (values.json) {
  console.log(
    JSON.stringify({ dataMiB, results, installs: Object.fromEntries(taken), bars }, null, 2),
  );
} else {
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

/** Seconds from the agent's start to its reboot, of each installation, in a run of the lab of which every check passed. */
async function installSeconds(shape: readonly string[], name: string): Promise<number[]> {
  signal.throwIfAborted();
  const keep = `${scripts}/../.cache/lab/bench-${name}`;
  // Standard output is the bench's own.
  const lab = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", `${scripts}/lab.ts`, ...shape, "--installs", String(installs)],
      ...["--data", String(dataMiB), "--keep", keep],
    ],
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
  const installed = timings.filter(({ what }) => what === INSTALLED);
  if (installed.length === 0) throw new Error(`${keep}/timings.json has no line "${INSTALLED}"`);
  return installed.map(({ tookMs }) => tookMs / 1_000);
}
