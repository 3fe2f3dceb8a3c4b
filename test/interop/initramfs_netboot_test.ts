import assert from "node:assert/strict";
import type { NetbootNode } from "../../boot/netboot.ts";
import { buildAgentSegment } from "../../boot/initramfs/agent_segment.ts";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { sha256OfFile } from "../../scripts/build/sha256.ts";
import { ownDiskLine, ownDiskPrograms } from "../../scripts/lab/own_disk.ts";
import { type Firmware, qemuNeeds } from "../../scripts/lab/qemu.ts";
import { bootImageNeeds, makeBootImage, standInLine } from "../support/boot_image.ts";
import { bootServiceAddress, type BootServiceOptions } from "../support/boot_service.ts";
import { needs } from "../support/needs.ts";
import { PoweredMachine, poweredMachineMac as mac } from "../support/powered_machine.ts";

Deno.test({
  name: "an armed machine boots the agent; another boots its own disk, which stays unchanged",
  ...needs({
    root: true,
    programs: [...qemuNeeds.programs, ...bootImageNeeds.programs, ...ownDiskPrograms],
    files: qemuNeeds.files,
  }),
  async fn(t) {
    await ensureProduct(); // fetches the boot programs
    const folder = await Deno.makeTempDir({ prefix: "netboot-" });
    try {
      const image = await makeBootImage(folder);
      assert.ok(image.moduleCount > 50, `${image.moduleCount} modules`);
      const files = { kernel: image.kernel, initramfs: [image.agent.path, image.image.path] };
      const machines: [title: string, Machine, BootServiceOptions["transport"]][] = [
        ["BIOS, by HTTP", { firmware: "bios", secureBoot: false }, "http"],
        ["UEFI with iPXE, by TFTP", { firmware: "uefi", secureBoot: false }, "tftp"],
        ["UEFI with shim and signed GRUB", { firmware: "uefi", secureBoot: true }, "tftp"],
      ];
      for (const [title, machine, transport] of machines) {
        const boot = { ...machine, transport, folder, images: { "web@3": files } };
        // Both at once: a machine that is not armed mostly waits for its firmware.
        await t.step(`${title}: one armed, one not`, async () => {
          const node = { armed: { image: "web@3", token: "rs1.token" } };
          const [armed, unarmed] = await bothOf(
            powerOn({ ...boot, node, until: standInLine }),
            powerOn({ ...boot, until: ownDiskLine }),
          );
          assert.equal(unarmed.diskChanged, false);
          const { log } = armed;
          assert.match(log, /stand-in: arguments agent install, pid 1, \/rs\/rackseed/);
          assert.match(
            log,
            new RegExp(`rackseed.server=https://${bootServiceAddress}:8443 rackseed.token=rs1.token`),
          );
          assert.match(
            log,
            new RegExp(`rackseed.mac=${mac} rackseed.ip=10\\.78\\.0\\.\\d+ rackseed.mask=255.255.255.0`),
          );
          assert.match(log, /stand-in: links 2/);
          assert.match(log, /stand-in: blkid ext4/);
        });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

interface Machine {
  readonly firmware: Firmware;
  readonly secureBoot: boolean;
}

/** Waits for both even if one fails, so that nothing of either is left running. */
async function bothOf<T>(a: Promise<T>, b: Promise<T>): Promise<[T, T]> {
  await Promise.allSettled([a, b]);
  return await Promise.all([a, b]);
}

/** Starts a machine that boots from the network first, and waits for a line on its serial console. */
async function powerOn(
  { firmware, folder, until, ...service }:
    & Omit<BootServiceOptions, "interface">
    & Machine
    & { folder: string; until: string; node?: NetbootNode },
): Promise<{ log: string; diskChanged: boolean }> {
  let before: string | undefined;
  await using machine = await PoweredMachine.start(
    { firmware, folder, service, memoryMiB: 768, bootOrder: "network-first" },
    { prepared: async (disk) => void (before = await sha256OfFile(disk)) },
  );
  await machine.prints(until);
  const log = await Deno.readTextFile(machine.serialLog);
  return { log, diskChanged: before !== await sha256OfFile(machine.disk) };
}

Deno.test("the product fits an agent segment of 36 MB", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { sizeBytes } = await buildAgentSegment({
      product: await ensureProduct(),
      source: await directorySource("/"),
      output: `${folder}/agent.img`,
      compression: "zstd",
    });
    assert.ok(sizeBytes <= 36e6, `${sizeBytes} bytes`);
    assert.equal(sizeBytes % 4, 0);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["agent.img"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
