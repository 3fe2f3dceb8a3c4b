/**
 * Measures how long a machine takes in QEMU from power-on to its agent's first report (armed), and to its own disk
 * (unarmed): with this product's server, and in the same run with that of an older product.
 *
 *     deno task bench boot [--firmware LIST] [--runs N] [--old-product FILE] [--json]
 *
 *     --firmware     bios, uefi or both                  (bios,uefi)
 *     --runs         runs of each, of which the median   (3)
 *     --old-product  the product to compare with         (built from the last commit before boots were shortened)
 *     --json         print the figures as JSON
 *
 * Both servers have the same image: Debian's kernel for clouds, the tools of this machine, and their own agent. The
 * machine's disk is a program that prints one line, and "the disk alone" a machine that does not try the network. This
 * product's server has installed that disk; older ones do not use what they know of it. Bars: an armed machine takes at
 * most 0.55 of the older product's time, an unarmed one at most 4 s more than the disk alone.
 * Needs root, QEMU, OVMF and curl.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ProductSite } from "../../test/support/product_site.ts";
import { ensureProduct } from "../build.ts";
import { ownDiskLine, ownDiskPartition, writeOwnDisk } from "../lab/own_disk.ts";
import { productOf } from "../lab/previous_product.ts";
import { type Firmware, VirtualMachine } from "../lab/qemu.ts";
import { numberOption } from "./number_option.ts";

const MOST_OF_OLD = 0.55, MOST_BESIDE_DISK_S = 4;
/** The last one whose iPXE waited at each stage. */
const OLD_COMMIT = "89a6ad31bbf7b46b809e6f60d5a267edc81010d9";
const MAC = "52:54:00:78:00:02";
const TIMEOUT_MS = 900_000, POLL_MS = 250;
const CASES = ["disk alone", "unarmed old", "unarmed", "armed old", "armed"] as const;
type Case = typeof CASES[number];

const { values } = parseArgs({
  options: {
    firmware: { type: "string", default: "bios,uefi" },
    runs: { type: "string", default: "3" },
    "old-product": { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const runs = numberOption("runs", values.runs, { least: 1, most: 100 });
const firmwares = values.firmware.split(",").map(parseFirmware);

const root = resolve(import.meta.dirname ?? ".", "../..");
const folder = await Deno.makeTempDir({ prefix: "boot-" });
let missed = false;
try {
  const oldProduct = values["old-product"] ??
    await productOf(OLD_COMMIT, { root, cache: `${root}/.cache/lab` });
  await using older = await openSite("old", { product: oldProduct });
  await using current = await openSite("new", { product: await ensureProduct(), esp: ownDiskPartition });
  const figures: Record<string, Record<Case, number>> = {};
  for (const firmware of firmwares) {
    const seconds = Object.fromEntries(CASES.map((name) => [name, [] as number[]])) as Record<Case, number[]>;
    // one after the other, so that a slow minute of the host meets all cases alike
    for (let run = 0; run < runs; run++) {
      for (const name of CASES) {
        const taken = await measure(name, { firmware, site: name.endsWith("old") ? older : current });
        seconds[name].push(taken);
        console.error(`${firmware}, ${name}: ${taken.toFixed(1)} s`);
      }
    }
    const medians = Object.fromEntries(CASES.map((name) => [name, median(seconds[name])])) as Record<
      Case,
      number
    >;
    figures[firmware] = medians;
    const ratio = medians.armed / medians["armed old"], more = medians.unarmed - medians["disk alone"];
    missed ||= ratio > MOST_OF_OLD || more > MOST_BESIDE_DISK_S;
    if (values.json) continue;
    const text = (name: Case) => `${medians[name].toFixed(1)} s`;
    console.log(
      `${firmware}: power-on to first report ${text("armed")} ÷ ${text("armed old")} of the older product: ${
        ratio.toFixed(2)
      } (bar ≤ ${MOST_OF_OLD}); unarmed ${text("unarmed")}, older ${text("unarmed old")}, ` +
        `disk alone ${text("disk alone")}: +${more.toFixed(1)} s (bar ≤ ${MOST_BESIDE_DISK_S} s)`,
    );
  }
  if (values.json) console.log(JSON.stringify(figures));
} finally {
  await Deno.remove(folder, { recursive: true });
}
if (missed) Deno.exitCode = 1;

async function openSite(
  name: string,
  site: { readonly product: string; readonly esp?: string },
): Promise<ProductSite> {
  const data = `${folder}/${name}`;
  await Deno.mkdir(data);
  return await ProductSite.open(data, { ...site, mac: MAC });
}

/** Seconds since power-on. */
async function measure(
  name: Case,
  { firmware, site }: { firmware: Firmware; site: ProductSite },
): Promise<number> {
  const isArmed = name.startsWith("armed");
  if (isArmed) await site.order();
  else await site.cancel();
  const scratch = await Deno.makeTempDir({ dir: folder });
  const disk = `${scratch}/disk.img`;
  await writeOwnDisk(disk, { firmware });
  await using machine = await VirtualMachine.start({
    name: "node",
    firmware,
    network: site.network,
    mac: MAC,
    disks: [{ path: disk, serial: "node-disk" }],
    folder: scratch,
    serialLog: `${scratch}/serial.log`,
    memoryMiB: 1024,
    bootOrder: name === "disk alone" ? "disk-only" : "network-first",
  });
  try {
    if (isArmed) await reported(site);
    else await machine.serial.expect(ownDiskLine, { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    throw new Error(`${machine.serial.tail()}\n${site.serverOutput}`, { cause: error });
  }
  return (performance.now() - machine.startedMs) / 1000;
}

async function reported(site: ProductSite): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!await site.hasReported()) {
    if (performance.now() > deadline) throw new Error("the agent has not reported");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
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
