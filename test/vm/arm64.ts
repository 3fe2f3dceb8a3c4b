/** arm64 machines in QEMU with Debian's UEFI: from power-on to the kernel, and to the agent's first connection. */
import assert from "node:assert/strict";
import { ensureProduct } from "../../scripts/build.ts";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { armQemuNeeds, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { arm64BootImage, arm64ImageNeeds, arm64Kernel } from "../support/arm64_boot_image.ts";
import { agentConnected, bootServiceAddress, type ServedImage } from "../support/boot_service.ts";
import { needs } from "../support/needs.ts";
import { BootServiceProcess } from "../support/netboot_lab.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;
const MAC = "52:54:00:78:00:0b", PIN = "p".repeat(43);
const FIRMWARE_MS = 900_000;

interface PowerOn {
  readonly folder: string;
  /** Undefined: the machine is not armed. */
  readonly image?: ServedImage;
  readonly httpBoot?: boolean;
  /** On the serial console, or what the boot services print, one after the other. */
  readonly until: readonly (string | typeof agentConnected)[];
}

/** Returns what the boot services said. */
async function powerOn({ folder, image, httpBoot = false, until }: PowerOn): Promise<string> {
  const log = `${folder}/services.log`;
  await using network = await LabNetwork.create({ address: `${bootServiceAddress}/24` });
  await using services = await BootServiceProcess.start(network, {
    log,
    options: {
      transport: "http",
      secureBoot: false,
      tells: true,
      watchAgent: true,
      images: image === undefined ? {} : { "web@3": image },
      ...(image && { node: { armed: { image: "web@3", token: `rs1.${PIN}.${"s".repeat(32)}` } } }),
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
      const from = line === agentConnected ? services.output : machine.serial;
      await from.expect(line, { timeoutMs: FIRMWARE_MS });
    }
  } catch (error) {
    throw new Error(`${machine.serial.tail()}\n${await Deno.readTextFile(log)}`, { cause: error });
  }
  return await Deno.readTextFile(log);
}

function testWithFolder(name: string, fn: (folder: string) => Promise<void>): void {
  const programs = [...armQemuNeeds.programs, ...arm64ImageNeeds.programs];
  Deno.test({
    name: `arm64: ${name}`,
    ...needs({ root: true, programs, files: armQemuNeeds.files }),
    async fn() {
      await fetchBootPrograms(`${cache}/boot-programs`, { scratch: `${cache}/boot-packages` });
      const folder = await Deno.makeTempDir({ prefix: "arm64-" });
      try {
        await fn(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

export function testArm64Ways(): void {
  testWithFolder("UEFI HTTP boot, power-on to the agent's first connection", async (folder) => {
    const image = await arm64BootImage(folder, { product: await ensureProduct({ architecture: "aarch64" }) });
    const said = await powerOn({ folder, image, httpBoot: true, until: ["Linux version", agentConnected] });
    assert.match(said, /asked http images\/web@3\/agent\.efi[^]*asked http agent\/52-54-00-78-00-0b/);
  });
  testWithFolder("UEFI PXE, power-on to kernel", async (folder) => {
    const said = await powerOn({ folder, image: await arm64Kernel(folder), until: ["Linux version"] });
    assert.match(said, /asked tftp images\/web@3\/agent\.efi/);
  });
  testWithFolder(
    "UEFI PXE, a machine without an order gets GRUB, which leaves it to its disk",
    async (folder) => {
      const said = await powerOn({ folder, until: ["no order for this machine"] });
      assert.match(said, /asked tftp grubaa64\.efi[^]*asked tftp \S*grub\/node\/52:54:00:78:00:0b/);
    },
  );
}
