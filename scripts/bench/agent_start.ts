/**
 * Measures in QEMU, without firmware and boot program, what a node's own part of the boot takes: the kernel unpacks the
 * initramfs, the agent starts, finds the machine's devices, enrols, and reports.
 *
 *     deno task bench agent-start [--levels LIST] [--old-product FILE] [--plain] [--runs N] [--json]
 *
 *     --levels       zstd levels of the initramfs            (the product's)
 *     --old-product  another product, to compare with
 *     --plain        also without what the server adds: the agent's compiled code, and its CA certificate
 *     --runs         runs of each, of which the median       (3)
 *     --json         print the figures as JSON
 *
 * The seconds are the processor time of QEMU's emulation, which other work on this machine hardly changes; the guest's
 * waits are not in them. The kernel is Debian's for clouds, the tools are this machine's. Needs root and QEMU.
 */
import { parseArgs } from "node:util";
import { CARRIED_CA } from "#contract/token.ts";
import { compiledCode, makeBootImage } from "../../test/support/boot_image.ts";
import { bootServiceAddress } from "../../test/support/boot_service.ts";
import { BootServiceProcess } from "../../test/support/netboot_lab.ts";
import { agentReported, orderToken } from "../../test/support/order_service.ts";
import { DEFAULT_LEVEL } from "../../boot/initramfs/segment.ts";
import { kernelParameters } from "../../boot/menu/kernel.ts";
import { ensureProduct } from "../build.ts";
import { LabNetwork } from "../lab/network.ts";
import { VirtualMachine } from "../lab/qemu.ts";
import type { Transcript } from "../lab/transcript.ts";
import { cpuSecondsOf } from "./process_cost.ts";
import { numberOption } from "./number_option.ts";

const MAC = "52:54:00:78:00:03";
const TIMEOUT_MS = 900_000;
/** What is seen of the start, in this order: on the serial console, and last at the server. */
const UNPACKING = "Trying to unpack rootfs", UNPACKED = "Freeing initrd memory", FIRST_LINE = "Rackseed: ";

/** Seconds of processor time since power-on, or since what comes before. */
interface Start {
  readonly kernel: number;
  readonly unpacking: number;
  readonly firstLine: number;
  readonly firstReport: number;
}
const PARTS = ["kernel", "unpacking", "firstLine", "firstReport"] as const;

const { values } = parseArgs({
  options: {
    levels: { type: "string", default: `${DEFAULT_LEVEL}` },
    "old-product": { type: "string" },
    plain: { type: "boolean", default: false },
    runs: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const runs = numberOption("runs", values.runs, { least: 1, most: 100 });
const levels = values.levels.split(",").map((level) => numberOption("levels", level, { least: 1, most: 19 }));
const old = values["old-product"];

const folder = await Deno.makeTempDir({ prefix: "start-" });
try {
  const variants = await makeVariants();
  const starts = new Map(variants.map((variant) => [variant, [] as Start[]]));
  for (let run = 0; run < runs; run++) {
    for (const variant of variants) starts.get(variant)?.push(await start(variant));
  }
  const rows = variants.map((variant) => {
    const of = (part: keyof Start) => median((starts.get(variant) ?? []).map((start) => start[part]));
    const { name, level, bytes } = variant;
    return {
      name,
      level,
      bytes,
      ...Object.fromEntries(PARTS.map((part) => [part, of(part)])) as unknown as Start,
    };
  });
  if (values.json) console.log(JSON.stringify(rows));
  else {
    console.log("product  level      MB   kernel  unpacking  to first line  to first report     all");
    for (const row of rows) {
      const cell = (seconds: number, width: number) => `${seconds.toFixed(2)} s`.padStart(width);
      const size = (row.bytes / 1e6).toFixed(1).padStart(6);
      const all = PARTS.reduce((sum, part) => sum + row[part], 0);
      console.log(
        `${row.name.padEnd(8)} ${`${row.level}`.padStart(5)}  ${size} ${cell(row.kernel, 8)} ` +
          `${cell(row.unpacking, 10)} ${cell(row.firstLine, 14)} ${cell(row.firstReport, 16)} ${
            cell(all, 7)
          }`,
      );
    }
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

interface Variant {
  readonly name: string;
  readonly level: number;
  readonly kernel: string;
  readonly initramfs: string;
  readonly bytes: number;
}

async function makeVariants(): Promise<Variant[]> {
  const variants: Variant[] = [];
  const product = await ensureProduct();
  const { ca } = await orderToken(folder);
  const added = [...await compiledCode(product), { path: CARRIED_CA, bytes: new TextEncoder().encode(ca) }];
  const products = [
    { name: "new", product, more: added },
    ...values.plain ? [{ name: "plain", product, more: [] }] : [],
    ...old === undefined ? [] : [{ name: "old", product: old, more: [] }],
  ];
  for (const { name, ...made } of products) {
    for (const level of levels) {
      const scratch = `${folder}/${name}-${level}`, initramfs = `${scratch}/initramfs`;
      await Deno.mkdir(scratch);
      const { kernel, agent, image } = await makeBootImage(scratch, { ...made, level });
      const parts = await Promise.all([agent, image].map(({ path }) => Deno.readFile(path)));
      await Deno.writeFile(initramfs, Buffer.concat(parts));
      variants.push({ name, level, kernel, initramfs, bytes: agent.sizeBytes + image.sizeBytes });
    }
  }
  return variants;
}

async function start({ kernel, initramfs }: Variant): Promise<Start> {
  const scratch = await Deno.makeTempDir({ dir: folder });
  const { token } = await orderToken(folder);
  await using network = await LabNetwork.create({ address: `${bootServiceAddress}/24` });
  await using services = await BootServiceProcess.start(network, {
    log: `${scratch}/services.log`,
    options: { transport: "http", secureBoot: false, images: {}, orders: folder },
  });
  const boot = {
    server: `https://${bootServiceAddress}:8443`,
    token,
    image: "web",
    mac: MAC,
    architecture: Deno.build.arch,
  };
  const commandLine = kernelParameters(boot, { ip: "10.78.0.60", mask: "255.255.255.0" });
  await using machine = await VirtualMachine.start({
    name: "node",
    firmware: "bios",
    kernel: { path: kernel, initramfs, commandLine: `${commandLine} loglevel=7` },
    network,
    mac: MAC,
    disks: [],
    folder: scratch,
    serialLog: `${scratch}/serial.log`,
    memoryMiB: 1024,
    bootOrder: "disk-only",
  });
  let before = 0;
  const until = async (transcript: Transcript, text: string): Promise<number> => {
    await transcript.expect(text, { timeoutMs: TIMEOUT_MS });
    const taken = cpuSecondsOf(machine.pid) - before;
    before += taken;
    return taken;
  };
  try {
    return {
      kernel: await until(machine.serial, UNPACKING),
      unpacking: await until(machine.serial, UNPACKED),
      firstLine: await until(machine.serial, FIRST_LINE),
      firstReport: await until(services.output, agentReported),
    };
  } catch (error) {
    throw new Error(machine.serial.tail(), { cause: error });
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
