/** UEFI firmware that sends a VLAN's tag, at a switch port that drops everything else: by PXE and HTTP boot, in QEMU. */
import assert from "node:assert/strict";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import { BackgroundProgram } from "../../scripts/lab/background_program.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { ownDiskLine, ownDiskPrograms, writeOwnDisk } from "../../scripts/lab/own_disk.ts";
import { nvramPath, ovmf, qemuNeeds, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { agentImage, bootImageNeeds } from "../support/boot_image.ts";
import { bootServiceAddress, type BootServiceOptions } from "../support/boot_service.ts";
import { BootServiceProcess } from "../support/netboot_lab.ts";
import { agentReported, orderToken } from "../support/order_service.ts";
import { storeVariables } from "../support/ovmf_variables.ts";
import { testWay } from "./boot_way.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;
const program = new URL("../support/tagged_port.py", import.meta.url).pathname;
const NAME = "node", MAC = "52:54:00:78:00:0b", VLAN = 20;
const BOOT_MS = 900_000;
/** EFI_VLAN_CONFIG_PROTOCOL_GUID: a NIC's VLANs are in the variable that is named by its MAC (edk2, MnpVlan.c). */
const VLANS = "9e23d768-d2f3-4366-9fc3-3a7aba864374";

export function testTaggedWay({ httpBoot }: { readonly httpBoot: boolean }): void {
  const way = { firmware: "UEFI (OVMF)", way: `${httpBoot ? "HTTP boot" : "PXE"}, VLAN tagged` };
  const needs = {
    root: true,
    programs: [...qemuNeeds.programs, ...bootImageNeeds.programs, ...ownDiskPrograms, "python3"],
    files: qemuNeeds.files,
  };
  testWay({
    ...way,
    ends: "first report",
    needs,
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
    needs,
    async fn(folder) {
      const { ms, said } = await powerOn({ folder, httpBoot, service: { images: {} } });
      assert.match(said, new RegExp(`asked ${httpBoot ? "http" : "tftp"} failsx64\\.efi`));
      return ms;
    },
  });
}

/** Until the agent reports, or the machine's own disk has started. */
async function powerOn({ folder, httpBoot, service, reports = false }: {
  readonly folder: string;
  readonly httpBoot: boolean;
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
    firmware: "uefi",
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
