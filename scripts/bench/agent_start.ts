/**
 * Measures in QEMU, without firmware and boot program, what a node's own part of the boot takes: the kernel unpacks the
 * initramfs, the agent starts, finds the machine's devices, enrols, and reports.
 *
 *     deno task bench agent-start [--levels LIST] [--old-product FILE] [--uncompiled] [--runs N] [--json]
 *
 *     --levels       zstd levels of the initramfs            (the product's)
 *     --old-product  another product, to compare with
 *     --uncompiled   also without the agent's compiled code
 *     --runs         runs of each, of which the median       (3)
 *     --json         print the figures as JSON
 *
 * The seconds are the guest's, of an emulated processor: trust the ratios. The kernel is Debian's for clouds, the tools
 * are this machine's. Needs root and QEMU.
 */
import { parseArgs } from "node:util";
import { makeBootImage } from "../../test/support/boot_image.ts";
import { bootServiceAddress } from "../../test/support/boot_service.ts";
import { BootServiceProcess } from "../../test/support/netboot_lab.ts";
import { agentReported, orderToken } from "../../test/support/order_service.ts";
import { DEFAULT_LEVEL } from "../../boot/initramfs/segment.ts";
import { kernelParameters } from "../../boot/menu/kernel.ts";
import { ensureProduct } from "../build.ts";
import { LabNetwork } from "../lab/network.ts";
import { VirtualMachine } from "../lab/qemu.ts";
import { numberOption } from "./number_option.ts";

const MAC = "52:54:00:78:00:03";
const TIMEOUT_MS = 900_000;
/** Each is a line of the serial console with the kernel's time. */
const UNPACKING = /^\[ *([\d.]+)\] Trying to unpack rootfs/m, UNPACKED = /^\[ *([\d.]+)\] Freeing initrd/m;

interface Start {
  /** From the kernel's first moment to its unpacked initramfs. */
  readonly unpackSeconds: number;
  /** From the end of that to the agent's first line. */
  readonly lineSeconds: number;
  /** From power-on to the first report. */
  readonly reportSeconds: number;
}

const { values } = parseArgs({
  options: {
    levels: { type: "string", default: `${DEFAULT_LEVEL}` },
    "old-product": { type: "string" },
    uncompiled: { type: "boolean", default: false },
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
    const of = (key: keyof Start) => median((starts.get(variant) ?? []).map((start) => start[key]));
    const { name, level, bytes } = variant;
    return {
      name,
      level,
      bytes,
      unpack: of("unpackSeconds"),
      line: of("lineSeconds"),
      report: of("reportSeconds"),
    };
  });
  if (values.json) console.log(JSON.stringify(rows));
  else {
    console.log("product  level      MB  unpacked   first line  first report");
    for (const { name, level, bytes, unpack, line, report } of rows) {
      const s = (value: number, width: number) => `${value.toFixed(2)} s`.padStart(width);
      const size = (bytes / 1e6).toFixed(1).padStart(6);
      console.log(
        `${name.padEnd(8)} ${`${level}`.padStart(5)}  ${size} ${s(unpack, 9)} ${s(line, 12)} ${
          s(report, 13)
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
  const products = [
    { name: "new", product, isCompiled: true },
    ...values.uncompiled ? [{ name: "source", product, isCompiled: false }] : [],
    ...old === undefined ? [] : [{ name: "old", product: old, isCompiled: false }],
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
  const scratch = await Deno.makeTempDir({ dir: folder }), serialLog = `${scratch}/serial.log`;
  const { token } = await orderToken(scratch);
  await using network = await LabNetwork.create({ address: `${bootServiceAddress}/24` });
  await using services = await BootServiceProcess.start(network, {
    log: `${scratch}/services.log`,
    options: { transport: "http", secureBoot: false, images: {}, orders: scratch },
  });
  const boot = { server: `https://${bootServiceAddress}:8443`, token, image: "web", mac: MAC };
  const commandLine = kernelParameters(boot, { ip: "10.78.0.60", mask: "255.255.255.0" });
  await using machine = await VirtualMachine.start({
    name: "node",
    firmware: "bios",
    kernel: { path: kernel, initramfs, commandLine: `${commandLine} loglevel=7` },
    network,
    mac: MAC,
    disks: [],
    folder: scratch,
    serialLog,
    memoryMiB: 1024,
    bootOrder: "disk-only",
  });
  const seconds = () => (performance.now() - machine.startedMs) / 1000;
  try {
    await machine.serial.expect(UNPACKED, { timeoutMs: TIMEOUT_MS });
    const unpackedAt = seconds();
    await machine.serial.expect("Rackseed: ", { timeoutMs: TIMEOUT_MS });
    const lineSeconds = seconds() - unpackedAt;
    await services.output.expect(agentReported, { timeoutMs: TIMEOUT_MS });
    const reportSeconds = seconds(), said = await Deno.readTextFile(serialLog);
    const unpackSeconds = Number(UNPACKED.exec(said)?.[1]) - Number(UNPACKING.exec(said)?.[1]);
    return { unpackSeconds, lineSeconds, reportSeconds };
  } catch (error) {
    throw new Error(machine.serial.tail(), { cause: error });
  } finally {
    if (Deno.env.has("START_LOG")) await Deno.copyFile(serialLog, Deno.env.get("START_LOG")!);
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
