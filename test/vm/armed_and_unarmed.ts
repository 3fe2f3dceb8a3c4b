/** An armed machine and one that is not, side by side on real firmware: the one boots the agent, the other its own disk. */
import assert from "node:assert/strict";
import type { NetbootNode } from "../../boot/netboot.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { sha256OfFile } from "../../scripts/build/sha256.ts";
import { ownDiskLine, ownDiskPartition, ownDiskPrograms } from "../../scripts/lab/own_disk.ts";
import { type Firmware, qemuNeeds } from "../../scripts/lab/qemu.ts";
import { bootImageNeeds, makeBootImage, standInLine } from "../support/boot_image.ts";
import { bootServiceAddress, type BootServiceOptions } from "../support/boot_service.ts";
import { needs } from "../support/needs.ts";
import { PoweredMachine, poweredMachineMac as mac } from "../support/powered_machine.ts";

const MACHINES = {
  "BIOS, by HTTP": { firmware: "bios", secureBoot: false, transport: "http" },
  "UEFI with iPXE, by TFTP": { firmware: "uefi", secureBoot: false, transport: "tftp" },
  "UEFI with shim and signed GRUB": { firmware: "uefi", secureBoot: true, transport: "tftp" },
} as const satisfies Record<string, Machine>;

export function testArmedAndUnarmed(title: keyof typeof MACHINES): void {
  Deno.test({
    name: `${title}: an armed machine boots the agent; another its own disk, which stays unchanged`,
    ...needs({
      root: true,
      programs: [...qemuNeeds.programs, ...bootImageNeeds.programs, ...ownDiskPrograms],
      files: qemuNeeds.files,
    }),
    async fn() {
      await ensureProduct(); // fetches the boot programs
      const folder = await Deno.makeTempDir({ prefix: "netboot-" });
      try {
        const image = await makeBootImage(folder);
        assert.ok(image.moduleCount > 50, `${image.moduleCount} modules`);
        const files = { kernel: image.kernel, initramfs: [image.agent.path, image.image.path] };
        const boot = { ...MACHINES[title], folder, images: { "web@3": files } };
        const node = { armed: { image: "web@3", token: "rs1.token" } };
        // Both at once: a machine that is not armed mostly waits for its firmware.
        const [armed, unarmed] = await bothOf(
          powerOn({ ...boot, node, until: standInLine }),
          powerOn({ ...boot, until: ownDiskLine }),
        );
        assert.equal(unarmed.diskChanged, false);
        if (boot.firmware === "uefi" && !boot.secureBoot) {
          await startsInstalled({ ...boot, transport: "http" });
        }
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
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** iPXE starts the loader by its partition's GUID: the firmware's other boot entries are not tried before. */
async function startsInstalled(boot: Omit<Parameters<typeof powerOn>[0], "until">): Promise<void> {
  const loader = { partitions: [ownDiskPartition], program: "EFI/BOOT/BOOTX64.EFI" };
  const { log, diskChanged } = await powerOn({ ...boot, node: { loader }, until: ownDiskLine });
  assert.equal(diskChanged, false);
  assert.match(log, /Booting \\EFI\\BOOT\\BOOTX64\.EFI from SAN device/);
  assert.equal(log.match(/BdsDxe: starting/g)?.length, 1, log);
  assert.doesNotMatch(log, /Ctrl-B/);
}

interface Machine {
  readonly firmware: Firmware;
  readonly secureBoot: boolean;
  readonly transport: BootServiceOptions["transport"];
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
