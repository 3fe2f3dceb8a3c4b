/** What a node tells the server about itself at enrolment. */
import type { Inventory } from "#contract/api.ts";
import type { Run } from "../sys/command.ts";
import { exists, firstLine, linkName } from "../sys/small_file.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { macOfAddress } from "#contract/hardware_address.ts";
import { type DiskContent, probeContent } from "../layout/disk_content.ts";
import { KERNEL, type KernelTrees } from "../layout/disks.ts";
import { readDiskHealth } from "../hardware/disk_health.ts";
import { readHardware } from "../hardware/hardware.ts";
import { readControllers } from "./controllers.ts";

/** For `--target DIR`: leaves out the disks, and needs no program. */
export async function directoryInventory(trees: KernelTrees = KERNEL): Promise<Inventory> {
  return { ...await readSystem(trees), kind: "directory", disks: [] };
}

export async function machineInventory(
  { disks, run, trees = KERNEL }: { disks: readonly DiskFacts[]; run: Run; trees?: KernelTrees },
): Promise<Inventory> {
  return {
    ...await readSystem(trees),
    ...await readHardware(trees),
    kind: "machine",
    tpm2: await hasTpm2(trees),
    disks: await Promise.all(
      disks.map(async (disk) => {
        const [content, health] = await Promise.all([probeContent(disk, run), readDiskHealth(disk, trees)]);
        return { ...reportOf({ ...disk, ...content }), ...(health && { health }) };
      }),
    ),
  };
}

/** The disk as the server takes it: bounded, whatever its firmware claims to be called. */
function reportOf(disk: DiskFacts & DiskContent): Inventory["disks"][number] {
  const { name, number, kind, sizeBytes, sectorBytes, readOnly, model, serial, transport, names } = disk;
  return {
    name,
    number,
    kind,
    sizeBytes,
    sectorBytes,
    readOnly,
    removable: disk.removable || transport === "usb",
    names: names.filter((n) => n.length <= 255).slice(0, 64),
    uses: disk.uses.slice(0, 64).map((use) => use.slice(0, 300)),
    partitions: disk.partitions.slice(0, 256).map((p) => ({ ...p })),
    content: disk.content,
    labels: [...disk.labels],
    signatures: [...disk.signatures],
    ...(disk.paths && { paths: disk.paths.slice(0, 64) }),
    ...(disk.drivers && { drivers: disk.drivers.slice(0, 64).map((name) => name.slice(0, 64)) }),
    ...(model && { model: model.slice(0, 128) }),
    ...(serial && { serial: serial.slice(0, 128) }),
    ...(names[0] && { byPath: names[0].slice(0, 255) }),
    ...(transport && { transport: transport.slice(0, 32) }),
  };
}

/** A TPM 1.2, and one whose driver is not loaded, do not count. */
async function hasTpm2({ sys }: KernelTrees): Promise<boolean> {
  return await firstLine(`${sys}/class/tpm/tpm0/tpm_version_major`) === "2";
}

async function readSystem({ sys, proc }: KernelTrees): Promise<Omit<Inventory, "kind" | "disks">> {
  const dmi = (name: string) => firstLine(`${sys}/class/dmi/id/${name}`);
  const uuid = (await dmi("product_uuid"))?.toLowerCase().slice(0, 64);
  const serial = (await dmi("product_serial"))?.slice(0, 128);
  const model = [await dmi("sys_vendor"), await dmi("product_name")].filter(Boolean).join(" ").slice(0, 256);
  const memory = /^MemTotal:\s+(\d+) kB$/m.exec(await Deno.readTextFile(`${proc}/meminfo`))?.[1];
  return {
    architecture: Deno.build.arch,
    firmware: await exists(`${sys}/firmware/efi`) ? "uefi" : "bios",
    memoryBytes: Number(memory ?? 0) * 1024,
    cpus: navigator.hardwareConcurrency,
    nics: await readNics({ sys }),
    controllers: await readControllers({ sys }),
    ...(uuid && { uuid }),
    ...(serial && { serial }),
    ...(model && { model }),
  };
}

/**
 * Physical NICs; no bridges and the like. A NIC in a bond has the bond's address at present: its own is reported. An
 * InfiniBand NIC is reported by the MAC that stands for its port.
 */
export async function readNics({ sys }: Pick<KernelTrees, "sys"> = KERNEL): Promise<Inventory["nics"]> {
  const nics: Inventory["nics"] = [];
  for await (const { name } of Deno.readDir(`${sys}/class/net`)) {
    const at = `${sys}/class/net/${name}`;
    const address = await firstLine(`${at}/bonding_slave/perm_hwaddr`) ?? await firstLine(`${at}/address`);
    const mac = address === undefined ? undefined : macOfAddress(address);
    if (mac === undefined || !await exists(`${at}/device`)) continue;
    const driver = await linkName(`${at}/device/driver`);
    nics.push({
      name: name.slice(0, 32),
      mac,
      ...(driver && { driver: driver.slice(0, 64) }),
      // NET_ADDR_RANDOM, include/uapi/linux/netdevice.h
      ...(await firstLine(`${at}/addr_assign_type`) === "1" && { randomMac: true }),
      ...await readLink(at),
    });
  }
  return nics.sort((a, b) => a.name < b.name ? -1 : 1).slice(0, 64);
}

/** A NIC that is switched off tells neither. `at`: its folder in sysfs. */
async function readLink(at: string): Promise<Pick<Inventory["nics"][number], "link" | "speedMbps">> {
  const carrier = await firstLine(`${at}/carrier`);
  if (carrier === undefined) return {};
  // -1: not known
  const speed = Number(await firstLine(`${at}/speed`));
  return { link: carrier === "1", ...(Number.isInteger(speed) && speed > 0 && { speedMbps: speed }) };
}
