/**
 * Measures how long a machine takes in QEMU from power-on to the agent's first connection to the server (armed), and
 * to its own disk (unarmed): with what shortens the way, and in the same run without. Without means: nobody answers
 * iPXE's router solicitations, and iPXE waits for a proxyDHCP server.
 *
 *     deno task bench boot [--firmware LIST] [--runs N] [--json]
 *
 *     --firmware  bios, uefi or both                  (bios,uefi)
 *     --runs      runs of each, of which the median   (3)
 *     --json      print the figures as JSON
 *
 * The agent is the product in its own initramfs, the kernel is Debian's for clouds, the disk a program that prints one
 * line, and "the disk alone" a machine that does not try the network. Bars: an armed machine takes at most 0.55 of the
 * time without, an unarmed one at most 4 s more than the disk alone. Needs root, QEMU and OVMF.
 */
import { parseArgs } from "node:util";
import { makeBootImage } from "../../test/support/boot_image.ts";
import { PoweredMachine } from "../../test/support/powered_machine.ts";
import { ensureProduct } from "../build.ts";
import type { Firmware } from "../lab/qemu.ts";
import { numberOption } from "./number_option.ts";

const MOST_OF_BEFORE = 0.55, MOST_BESIDE_DISK_S = 4;
const CASES = ["disk alone", "unarmed before", "unarmed", "armed before", "armed"] as const;
type Case = typeof CASES[number];

const { values } = parseArgs({
  options: {
    firmware: { type: "string", default: "bios,uefi" },
    runs: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const runs = numberOption("runs", values.runs, { least: 1, most: 100 });
const firmwares = values.firmware.split(",").map(parseFirmware);

const folder = await Deno.makeTempDir({ prefix: "boot-" });
let missed = false;
try {
  // level 3: how well it is compressed hardly matters here, and the best level takes minutes
  const image = await makeBootImage(folder, { product: await ensureProduct(), level: 3 });
  const images = { web: { kernel: image.kernel, initramfs: [image.agent.path, image.image.path] } };
  const figures: Record<string, Record<Case, number>> = {};
  for (const firmware of firmwares) {
    const seconds = Object.fromEntries(CASES.map((name) => [name, [] as number[]])) as Record<Case, number[]>;
    // one after the other, so that a slow minute of the host meets all cases alike
    for (let run = 0; run < runs; run++) {
      for (const name of CASES) {
        const taken = await measure(name, { firmware, images });
        seconds[name].push(taken);
        console.error(`${firmware}, ${name}: ${taken.toFixed(1)} s`);
      }
    }
    const medians = Object.fromEntries(CASES.map((name) => [name, median(seconds[name])])) as Record<
      Case,
      number
    >;
    figures[firmware] = medians;
    const ratio = medians.armed / medians["armed before"], more = medians.unarmed - medians["disk alone"];
    missed ||= ratio > MOST_OF_BEFORE || more > MOST_BESIDE_DISK_S;
    if (values.json) continue;
    const text = (name: Case) => `${medians[name].toFixed(1)} s`;
    console.log(
      `${firmware}: power-on to the agent ${text("armed")} ÷ ${text("armed before")} before: ${
        ratio.toFixed(2)
      } ` +
        `(bar ≤ ${MOST_OF_BEFORE}); unarmed ${text("unarmed")}, before ${text("unarmed before")}, ` +
        `disk alone ${text("disk alone")}: +${more.toFixed(1)} s (bar ≤ ${MOST_BESIDE_DISK_S} s)`,
    );
  }
  if (values.json) console.log(JSON.stringify(figures));
} finally {
  await Deno.remove(folder, { recursive: true });
}
if (missed) Deno.exitCode = 1;

async function measure(name: Case, { firmware, images }: {
  firmware: Firmware;
  images: Record<string, { kernel: string; initramfs: string[] }>;
}): Promise<number> {
  const isArmed = name.startsWith("armed");
  await using machine = await PoweredMachine.start({
    firmware,
    folder,
    memoryMiB: 1024,
    bootOrder: name === "disk alone" ? "disk-only" : "network-first",
    service: {
      transport: "http",
      secureBoot: false,
      images,
      slow: name.endsWith("before"),
      watchAgent: true,
      // a token of the right form, of a server that is not there
      ...(isArmed && { node: { armed: { image: "web", token: `rs1.${"A".repeat(43)}.${"a".repeat(24)}` } } }),
    },
  });
  return await (isArmed ? machine.reachesAgent() : machine.reachesOwnDisk()) / 1000;
}

function parseFirmware(text: string): Firmware {
  if (text === "bios" || text === "uefi") return text;
  console.error(`error: --firmware ${text}: there is no such firmware. Remedy: name bios, uefi or both.`);
  Deno.exit(2);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
