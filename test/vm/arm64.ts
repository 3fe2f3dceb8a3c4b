/** arm64 machines in QEMU with Debian's UEFI: from power-on to the agent's first report. */
import assert from "node:assert/strict";
import { ensureProduct } from "../../scripts/build.ts";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { armQemuNeeds, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { arm64BootImage, arm64ImageNeeds, arm64Kernel } from "../support/arm64_boot_image.ts";
import { bootServiceAddress, type ServedImage } from "../support/boot_service.ts";
import { BootServiceProcess } from "../support/netboot_lab.ts";
import { agentReported, orderToken } from "../support/order_service.ts";
import { testWay } from "./boot_way.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;
const MAC = "52:54:00:78:00:0b";
const FIRMWARE_MS = 900_000;

interface PowerOn {
  readonly folder: string;
  /** Undefined: the machine is not armed. */
  readonly image?: ServedImage;
  readonly httpBoot?: boolean;
  /** On the serial console, or what the boot services print, one after the other. */
  readonly until: readonly (string | typeof agentReported)[];
}

/** Returns what the boot services said until then. */
async function powerOn(
  { folder, image, httpBoot = false, until }: PowerOn,
): Promise<{ readonly ms: number; readonly said: string }> {
  const log = `${folder}/services.log`, { token, pin } = await orderToken(folder);
  await using network = await LabNetwork.create({ address: `${bootServiceAddress}/24` });
  await using services = await BootServiceProcess.start(network, {
    log,
    options: {
      transport: "http",
      secureBoot: false,
      tells: true,
      orders: folder,
      pin,
      images: image === undefined ? {} : { "web@3": image },
      ...(image && { node: { armed: { image: "web@3", token } } }),
    },
  });
  await using machine = await VirtualMachine.start({
    name: "node",
    firmware: "uefi",
    architecture: "aarch64",
    httpBoot,
    network,
    mac: MAC,
    disks: [],
    folder,
    serialLog: `${folder}/serial.log`,
    memoryMiB: 1536,
    bootOrder: "network-first",
  });
  try {
    for (const line of until) {
      const from = line === agentReported ? services.output : machine.serial;
      await from.expect(line, { timeoutMs: FIRMWARE_MS });
    }
  } catch (error) {
    throw new Error(`${machine.serial.tail()}\n${await Deno.readTextFile(log)}`, { cause: error });
  }
  return { ms: performance.now() - machine.startedMs, said: await Deno.readTextFile(log) };
}

interface ArmWay {
  readonly way: string;
  readonly ends: string;
  readonly fn: (folder: string) => Promise<number>;
}

function testArmWay({ fn, ...way }: ArmWay): void {
  const programs = [...armQemuNeeds.programs, ...arm64ImageNeeds.programs];
  testWay({
    firmware: "UEFI of arm64 (AAVMF)",
    ...way,
    needs: { root: true, programs, files: armQemuNeeds.files },
    async fn(folder) {
      await fetchBootPrograms(`${cache}/boot-programs`, { scratch: `${cache}/boot-packages` });
      return await fn(folder);
    },
  });
}

export function testArm64Ways(): void {
  testArmWay({
    way: "HTTP boot",
    ends: "first report",
    async fn(folder) {
      const product = await ensureProduct({ architecture: "aarch64" });
      const image = await arm64BootImage(folder, { product });
      const { ms, said } = await powerOn({
        folder,
        image,
        httpBoot: true,
        until: ["Linux version", agentReported],
      });
      assert.match(said, /asked http images\/web@3\/agent\.efi[^]*asked http agent\/52-54-00-78-00-0b/);
      return ms;
    },
  });
  testArmWay({
    way: "PXE",
    ends: "kernel",
    async fn(folder) {
      const { ms, said } = await powerOn({
        folder,
        image: await arm64Kernel(folder),
        until: ["Linux version"],
      });
      assert.match(said, /asked tftp images\/web@3\/agent\.efi/);
      return ms;
    },
  });
  testArmWay({
    way: "PXE",
    ends: "its own disk, without an order",
    async fn(folder) {
      const { ms, said } = await powerOn({ folder, until: ["no order for this machine"] });
      assert.match(said, /asked tftp grubaa64\.efi[^]*asked tftp \S*grub\/node\/52:54:00:78:00:0b/);
      return ms;
    },
  });
}
