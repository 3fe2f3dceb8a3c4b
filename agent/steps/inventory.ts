/** What a node tells the server about itself at enrolment. */
import type { Inventory } from "#contract/api.ts";
import { parseBlkid } from "../layout/partition_table.ts";
import type { Run } from "../sys/command.ts";
import { exists, firstLine } from "../sys/small_file.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { devicePath, KERNEL, type KernelTrees } from "../layout/disks.ts";

/** For `--target DIR`: leaves out the disks, and needs no program. */
export async function directoryInventory(trees: KernelTrees = KERNEL): Promise<Inventory> {
  return { ...await readSystem(trees), kind: "directory", disks: [] };
}

export async function machineInventory(
  { disks, run, trees = KERNEL }: { disks: readonly DiskFacts[]; run: Run; trees?: KernelTrees },
): Promise<Inventory> {
  return {
    ...await readSystem(trees),
    kind: "machine",
    disks: await Promise.all(disks.map(async (disk) => {
      const content = await contentOf(disk, run);
      return {
        name: disk.name,
        sizeBytes: disk.sizeBytes,
        sectorBytes: disk.sectorBytes,
        removable: disk.removable || disk.transport === "usb",
        ...(disk.model && { model: disk.model.slice(0, 128) }),
        ...(disk.serial && { serial: disk.serial.slice(0, 128) }),
        ...(disk.names[0] && { byPath: disk.names[0].slice(0, 255) }),
        ...(disk.transport && { transport: disk.transport }),
        content,
      };
    })),
  };
}

async function readSystem({ sys, proc }: KernelTrees): Promise<Omit<Inventory, "kind" | "disks">> {
  const dmi = (name: string) => firstLine(`${sys}/class/dmi/id/${name}`);
  const uuid = (await dmi("product_uuid"))?.toLowerCase().slice(0, 64);
  const serial = (await dmi("product_serial"))?.slice(0, 128);
  const model = [await dmi("sys_vendor"), await dmi("product_name")].filter(Boolean).join(" ").slice(0, 256);
  const memory = /^MemTotal:\s+(\d+) kB$/m.exec(await Deno.readTextFile(`${proc}/meminfo`))?.[1];
  return {
    firmware: await exists(`${sys}/firmware/efi`) ? "uefi" : "bios",
    memoryBytes: Number(memory ?? 0) * 1024,
    cpus: navigator.hardwareConcurrency,
    nics: await readNics({ sys }),
    ...(uuid && { uuid }),
    ...(serial && { serial }),
    ...(model && { model }),
  };
}

/** Physical NICs; no bridges and the like. */
export async function readNics({ sys }: Pick<KernelTrees, "sys"> = KERNEL): Promise<Inventory["nics"]> {
  const nics: Inventory["nics"] = [];
  for await (const { name } of Deno.readDir(`${sys}/class/net`)) {
    const at = `${sys}/class/net/${name}`;
    const mac = await firstLine(`${at}/address`);
    if (mac === undefined || !await exists(`${at}/device`)) continue;
    const driver = await linkName(`${at}/device/driver`);
    nics.push({
      name: name.slice(0, 32),
      mac: mac.slice(0, 32),
      ...(driver && { driver: driver.slice(0, 64) }),
    });
  }
  return nics.sort((a, b) => a.name < b.name ? -1 : 1).slice(0, 64);
}

/** "gpt: vfat 'ESP', ext4 'root', swap"; empty if nothing is recognized. */
async function contentOf(disk: DiskFacts, run: Run): Promise<string> {
  const probe = async (path: string) =>
    parseBlkid((await run(["blkid", "-p", "-o", "export", path], { accept: [0, 2] })).stdout);
  const describe = (facts: ReadonlyMap<string, string>) => {
    const type = facts.get("TYPE"), label = facts.get("LABEL");
    return type && (label ? `${type} '${label}'` : type);
  };
  const whole = await probe(devicePath(disk.name));
  const parts: string[] = [];
  for (const { number } of disk.partitions) {
    parts.push(describe(await probe(devicePath(disk.name, number))) ?? `partition ${number}`);
  }
  const table = whole.get("PTTYPE");
  return (table ? `${table}: ${parts.join(", ") || "no partitions"}` : describe(whole) ?? "").slice(0, 1000);
}

async function linkName(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readLink(path)).split("/").at(-1);
  } catch {
    return undefined;
  }
}
