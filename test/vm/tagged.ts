/**
 * A switch port that drops what has no VLAN's tag, in QEMU: UEFI firmware that sends it, by PXE and HTTP boot, and a medium
 * in a machine whose firmware knows nothing of it.
 */
import assert from "node:assert/strict";
import {
  makeCode,
  type MediumContents,
  type MediumDescription,
  sealContents,
} from "#contract/format/medium.ts";
import { fileOfText, openJoined } from "../../boot/boot_file.ts";
import { mediumImage } from "../../boot/medium/medium_image.ts";
import { openFile } from "../../boot/tftp/tftp_file.ts";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import { BackgroundProgram } from "../../scripts/lab/background_program.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { ownDiskLine, ownDiskPrograms, writeOwnDisk } from "../../scripts/lab/own_disk.ts";
import { nvramPath, ovmf, qemuNeeds, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { agentImage, bootImageNeeds } from "../support/boot_image.ts";
import { bootServiceAddress, type BootServiceOptions } from "../support/boot_service.ts";
import { BootServiceProcess } from "../support/netboot_lab.ts";
import { agentReported, ORDERED_IMAGE, orderToken } from "../support/order_service.ts";
import { storeVariables } from "../support/ovmf_variables.ts";
import { testWay } from "./boot_way.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;
const program = new URL("../support/tagged_port.py", import.meta.url).pathname;
const NAME = "node", MAC = "52:54:00:78:00:0b", VLAN = 20;
const BOOT_MS = 900_000;
/** EFI_VLAN_CONFIG_PROTOCOL_GUID: a NIC's VLANs are in the variable that is named by its MAC (edk2, MnpVlan.c). */
const VLANS = "9e23d768-d2f3-4366-9fc3-3a7aba864374";

const NEEDS = {
  root: true,
  programs: [...qemuNeeds.programs, ...bootImageNeeds.programs, ...ownDiskPrograms, "python3"],
  files: qemuNeeds.files,
};

export function testTaggedWay({ httpBoot }: { readonly httpBoot: boolean }): void {
  const way = { firmware: "UEFI (OVMF)", way: `${httpBoot ? "HTTP boot" : "PXE"}, VLAN tagged` };
  testWay({
    ...way,
    ends: "first report",
    needs: NEEDS,
    async fn(folder) {
      const { token, pin } = await orderToken(folder);
      const node = { armed: { image: "web@3", token } };
      const service = { images: { "web@3": await agentImage() }, node, pin, orders: folder };
      const { ms, said } = await powerOn({ folder, httpBoot, service, reports: true });
      const by = httpBoot ? "http" : "tftp";
      assert.match(said, new RegExp(`asked ${by} images/web@3/agent\\.efi[^]*asked http agent/`));
      return ms;
    },
  });
  testWay({
    ...way,
    ends: "own disk",
    needs: NEEDS,
    async fn(folder) {
      const { ms, said } = await powerOn({ folder, httpBoot, service: { images: {} } });
      assert.match(said, new RegExp(`asked ${httpBoot ? "http" : "tftp"} failsx64\\.efi`));
      return ms;
    },
  });
}

export function testTaggedMedium(): void {
  testWay({
    firmware: "BIOS (SeaBIOS)",
    way: "medium, VLAN tagged",
    ends: "first report",
    needs: NEEDS,
    async fn(folder) {
      const { token } = await orderToken(folder);
      const medium = `${folder}/medium.img`;
      const server = `https://${bootServiceAddress}:8443`;
      await writeMedium(medium, { kind: "network", server, token, vlan: VLAN });
      return (await powerOn({ folder, medium, service: { images: {}, orders: folder }, reports: true })).ms;
    },
  });
}

async function writeMedium(path: string, contents: MediumContents): Promise<void> {
  const programs = `${cache}/boot-programs`, id = "0123abce", code = makeCode();
  await fetchBootPrograms(programs, { scratch: `${cache}/boot-packages` });
  const { kernel, initramfs } = await agentImage();
  const description: MediumDescription = {
    format: 1,
    id,
    image: ORDERED_IMAGE,
    kind: "network",
    sealed: sealContents(contents, { id, code }),
    code,
  };
  const image = mediumImage({
    id,
    created: new Date(),
    program: (name) => Deno.readFileSync(`${programs}/${name}`),
    kernel: openFile(kernel),
    initramfs: openJoined(initramfs),
    files: [{ name: "medium.jsn", file: fileOfText(JSON.stringify(description)) }],
  });
  const bytes = new Uint8Array(image.sizeBytes);
  assert.equal(image.read(0, bytes), bytes.length);
  image.close?.();
  await Deno.writeFile(path, bytes);
}

/** Until the agent reports, or the machine's own disk has started. */
async function powerOn({ folder, httpBoot = false, medium, service, reports = false }: {
  readonly folder: string;
  readonly httpBoot?: boolean;
  /** It starts this by BIOS, instead of UEFI firmware that sends tags. */
  readonly medium?: string;
  readonly service: Pick<BootServiceOptions, "images" | "node" | "pin" | "orders">;
  readonly reports?: boolean;
}): Promise<{ ms: number; said: string }> {
  await fetchBootPrograms(`${cache}/boot-programs`, { scratch: `${cache}/boot-packages` });
  const log = `${folder}/services.log`, serialLog = `${folder}/serial.log`, switchPort = `${folder}/port`;
  await using network = await LabNetwork.create({ address: `${bootServiceAddress}/24` });
  const plug = network.inside(["python3", program, switchPort, network.bridge, `${VLAN}`]);
  await using port = new BackgroundProgram(plug, {
    name: "the switch port",
    log: `${folder}/port.log`,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  await port.output.expect("plugged in", { timeoutMs: 60_000 });
  await using services = await BootServiceProcess.start(network, {
    log,
    options: { transport: "http", secureBoot: false, bootVlan: VLAN, tells: true, ...service },
  });
  const nvram = await Deno.readFile(ovmf.vars);
  const value = Uint8Array.of(VLAN & 0xff, VLAN >> 8);
  storeVariables(nvram, [{
    name: MAC.replaceAll(":", "").toUpperCase(),
    vendor: VLANS,
    attributes: 3,
    value,
  }]);
  await Deno.writeFile(nvramPath(folder, NAME), nvram);
  const disk = `${folder}/disk.img`;
  if (!reports) await writeOwnDisk(disk, { firmware: "uefi" });
  await using machine = await VirtualMachine.start({
    name: NAME,
    firmware: medium === undefined ? "uefi" : "bios",
    ...medium !== undefined && { medium: { path: medium, as: "disk" } },
    httpBoot,
    network,
    switchPort,
    mac: MAC,
    disks: reports ? [] : [{ path: disk, serial: "node-disk" }],
    folder,
    serialLog,
    memoryMiB: 1536,
    bootOrder: "network-first",
  });
  try {
    const [transcript, what] = reports
      ? [services.output, agentReported] as const
      : [machine.serial, ownDiskLine] as const;
    await transcript.expect(what, { timeoutMs: BOOT_MS });
    return { ms: performance.now() - machine.startedMs, said: await Deno.readTextFile(log) };
  } catch (error) {
    throw new Error(`${machine.serial.tail()}\n${await Deno.readTextFile(log)}\n${port.output.tail()}`, {
      cause: error,
    });
  }
}
