/**
 * A machine with OVMF and a TPM 2.0 (swtpm) at a server that demands proofs: the agent of the server's signed image gets
 * its order; the same image with a changed initramfs, started from a disk, does not.
 */
import assert from "node:assert/strict";
import { NodeView } from "#contract/api.ts";
import { writeCpio } from "../../boot/initramfs/cpio.ts";
import { efiNames } from "../../boot/programs/programs.ts";
import { readPe } from "../../boot/uki/authenticode.ts";
import { layOutUki } from "../../boot/uki/uki.ts";
import { openJoined } from "../../boot/boot_file.ts";
import { fileOfBytes } from "../../boot/tftp/tftp_file.ts";
import { run } from "../../scripts/lab/command.ts";
import { qemuNeeds, VirtualMachine, type VmDisk } from "../../scripts/lab/qemu.ts";
import { tpmPrograms } from "../../scripts/lab/tpm.ts";
import { bootImageNeeds } from "../support/boot_image.ts";
import { ProductSite } from "../support/product_site.ts";
import { testWay } from "./boot_way.ts";

const dist = new URL("../../dist/rackseed", import.meta.url).pathname;
const stub = new URL(`../../.cache/boot-programs/${efiNames("x86_64").stub}`, import.meta.url).pathname;
const MAC = "52:54:00:78:00:11";
const BOOT_MS = 900_000;
const CHANGED = "Something else ran before the agent.";
/** That of boot/initramfs/agent_segment.ts, with one more line. */
const CHANGED_INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev
echo '${CHANGED}' > /dev/console
LD_LIBRARY_PATH=/rs exec /rs/rackseed agent install
`;

export function testTpmProof(): void {
  testWay({
    firmware: "UEFI (OVMF)",
    way: "HTTP boot with proof by TPM; then with a changed initramfs, which gets no order",
    ends: "order",
    needs: {
      root: true,
      programs: [...qemuNeeds.programs, ...tpmPrograms, ...bootImageNeeds.programs, "mcopy"],
      files: [...qemuNeeds.files, dist, stub],
    },
    async fn(folder) {
      await using site = await Site.open(folder);
      const ms = await obeysProved(site);
      await refusesChanged(site);
      return ms;
    },
  });
}

/** The server's signed image. */
async function obeysProved(site: Site): Promise<number> {
  await site.order();
  await using machine = await site.powerOn("true", { httpBoot: true });
  await site.until(machine, ({ tpm, state }) => tpm?.proved !== undefined && state !== "armed");
  const ms = performance.now() - machine.startedMs;
  await machine.serial.expect(/n1 will become web@1/, { timeoutMs: BOOT_MS });
  return ms;
}

/** The same image, with something else that runs before the agent. */
async function refusesChanged(site: Site): Promise<void> {
  const { tpm: before } = await site.node();
  await site.order();
  const disk = await site.changedImage();
  await using machine = await site.powerOn("true", { disk });
  const { state, tpm } = await site.until(machine, (node) => node.tpm?.problem?.status === 409);
  assert.equal(state, "armed");
  assert.equal(tpm?.proved, before?.proved);
  assert.match(tpm?.problem?.detail ?? "", /loaded a program that this server does not serve for this order/);
  await machine.serial.expect(CHANGED, { timeoutMs: BOOT_MS });
  await machine.serial.expect(/does not serve for this order/, { timeoutMs: BOOT_MS });
}

/** A server that demands proofs. */
class Site implements AsyncDisposable {
  readonly #folder: string;
  readonly #site: ProductSite;

  private constructor(folder: string, site: ProductSite) {
    this.#folder = folder;
    this.#site = site;
  }

  static async open(folder: string): Promise<Site> {
    const demands = ["--signed-images", "on", "--require-tpm"];
    return new Site(folder, await ProductSite.open(folder, { product: dist, arguments: demands, mac: MAC }));
  }

  async order(): Promise<void> {
    await this.#site.order();
  }

  async node(): Promise<NodeView> {
    return NodeView.parse(JSON.parse(await this.#site.rackseed("node", "show", "n1", "--json")));
  }

  /** The node as soon as it is so. Throws with the machine's console if that takes too long. */
  async until(machine: VirtualMachine, is: (node: NodeView) => boolean): Promise<NodeView> {
    const deadline = performance.now() + BOOT_MS;
    for (;;) {
      const hasFailed = machine.serial.tail().includes("FAILED.");
      const node = await this.node();
      if (is(node)) return node;
      if (hasFailed || performance.now() > deadline || !machine.isRunning) {
        throw new Error(
          `${machine.serial.tail()}\n${this.#site.serverOutput}\n${JSON.stringify(node.tpm)}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }

  /** `name`: machines of one name have one TPM. */
  async powerOn(
    name: string,
    { httpBoot = false, disk }: { httpBoot?: boolean; disk?: VmDisk },
  ): Promise<VirtualMachine> {
    return await VirtualMachine.start({
      name,
      firmware: "uefi",
      httpBoot,
      network: this.#site.network,
      mac: MAC,
      disks: disk ? [disk] : [],
      tpm: `${this.#folder}/${name}-tpm`,
      memoryMiB: 2048,
      bootOrder: disk ? "disk-only" : "network-first",
      folder: this.#folder,
      serialLog: `${this.#folder}/${name}.log`,
    });
  }

  /** A disk with the server's image, in whose initramfs somebody has changed what runs first. */
  async changedImage(): Promise<VmDisk> {
    const served = await this.#fetch(`${this.#site.bootUrl}/images/web@1/agent.efi`);
    const { sections } = readPe(fileOfBytes(served), { name: "the served image" });
    const partOf = (name: string) => {
      const section = sections.find((other) => other.name === name) ?? assert.fail(`no section ${name}`);
      return served.subarray(section.rawOffset, section.rawOffset + section.virtualSize);
    };
    const write = async (name: string, content: Uint8Array) => {
      await Deno.writeFile(`${this.#folder}/${name}`, content);
      return `${this.#folder}/${name}`;
    };
    const init = new TextEncoder().encode(CHANGED_INIT), sizeBytes = init.length;
    const content = () => Promise.resolve(init);
    const archive = writeCpio([{ type: "file", path: "init", mode: 0o755, sizeBytes, content }]);
    const { headers, body } = layOutUki(await Deno.readFile(stub), {
      osRelease: new TextDecoder().decode(partOf(".osrel")),
      commandLine: new TextDecoder().decode(partOf(".cmdline")).replace(/\0.*$/, ""),
      kernel: await write("kernel", partOf(".linux")),
      initramfs: [
        await write("initramfs", partOf(".initrd")),
        await write("changed.cpio", Buffer.concat(await Array.fromAsync(archive))),
      ],
    });
    const file = openJoined([headers, ...body]), image = new Uint8Array(file.sizeBytes);
    file.read(0, image);
    file.close?.();
    const path = `${this.#folder}/changed.img`;
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, image.length + (64 << 20));
    await run(["mkfs.vfat", "-F", "32", path]);
    await run(["mmd", "-i", path, "::EFI", "::EFI/BOOT"]);
    await run(["mcopy", "-i", path, await write("changed.efi", image), "::EFI/BOOT/BOOTX64.EFI"]);
    return { path, serial: "changed" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site[Symbol.asyncDispose]();
  }

  async #fetch(url: string): Promise<Uint8Array<ArrayBuffer>> {
    const path = `${this.#folder}/served.efi`;
    await run(this.#site.network.inside(["curl", "--silent", "--fail", "--output", path, url]));
    return await Deno.readFile(path);
  }
}
