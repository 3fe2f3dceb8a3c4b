/** A bootable medium on real firmware in QEMU, from power-on to the kernel's first lines. */
import assert from "node:assert/strict";
import { mediumImage } from "../../boot/medium/medium_image.ts";
import { openFile } from "../../boot/tftp/tftp_file.ts";
import { fileOfText } from "../../boot/boot_file.ts";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { type Firmware, qemuNeeds, secureQemuNeeds, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { cloudKernel } from "../support/boot_image.ts";
import { bootServiceAddress } from "../support/boot_service.ts";
import { testWay } from "./boot_way.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;

interface MediumWay {
  readonly firmware: Firmware;
  readonly as: "usb" | "cd";
  readonly secureBoot?: boolean;
}

export function testMediumWay({ firmware, as, secureBoot = false }: MediumWay): void {
  testWay({
    firmware: firmware === "bios" ? "BIOS (SeaBIOS)" : `UEFI (OVMF)${secureBoot ? ", Secure Boot" : ""}`,
    way: `medium ${as === "usb" ? "on USB" : "in a CD drive"}`,
    addresses: "nobody",
    ends: "kernel",
    needs: {
      root: true,
      programs: [...qemuNeeds.programs, "apt-get", "dpkg-deb", "depmod"],
      files: (secureBoot ? secureQemuNeeds : qemuNeeds).files,
    },
    async fn(folder) {
      const path = `${folder}/medium.img`;
      await writeMedium(path);
      await using network = await LabNetwork.create({ address: `${bootServiceAddress}/24` });
      await using machine = await VirtualMachine.start({
        name: "node",
        firmware,
        ...secureBoot && { secureBoot: "microsoft" },
        network,
        mac: "52:54:00:78:00:0a",
        disks: [],
        medium: { path, as },
        isAlone: true,
        folder,
        serialLog: `${folder}/serial.log`,
        memoryMiB: 512,
        bootOrder: "network-first",
      });
      await machine.serial.expect(/Command line:.*rackseed\.medium=0123abcd/, { timeoutMs: 900_000 });
      if (secureBoot) await machine.serial.expect(/[Ss]ecure ?boot/, { timeoutMs: 300_000 });
      return performance.now() - machine.startedMs;
    },
  });
}

async function writeMedium(path: string): Promise<void> {
  const programs = `${cache}/boot-programs`;
  await fetchBootPrograms(programs, { scratch: `${cache}/boot-packages` });
  const medium = mediumImage({
    id: "0123abcd",
    created: new Date(),
    program: (name) => Deno.readFileSync(`${programs}/${name}`),
    kernel: openFile(await cloudKernel()),
    // not reached
    initramfs: fileOfText("none"),
    files: [],
  });
  const bytes = new Uint8Array(medium.sizeBytes);
  assert.equal(medium.read(0, bytes), bytes.length);
  medium.close?.();
  await Deno.writeFile(path, bytes);
}
