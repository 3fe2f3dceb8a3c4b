/** The health of this machine's disks, as they report it. Nothing is written to them. */
import type { DiskHealth } from "#contract/api/hardware.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { Device } from "../sys/device_request.ts";
import { firstLine } from "../sys/small_file.ts";
import { readAtaHealth } from "./ata_health.ts";
import { readNvmeHealth } from "./nvme_health.ts";
import { readScsiHealth } from "./scsi_health.ts";

/** A disk that answers no sooner counts as silent; its request ends by itself. */
const PATIENCE_MS = 10_000;

type Disk = Pick<DiskFacts, "name" | "transport" | "removable">;

/** Undefined if the disk does not say: virtual disks, disks behind RAID controllers, USB. */
export async function readDiskHealth(
  disk: Disk,
  { sys = "/sys", dev = "/dev" }: { sys?: string; dev?: string } = {},
): Promise<DiskHealth | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), PATIENCE_MS);
  try {
    return await Promise.race([ask(disk, { sys, dev }), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function ask({ name, transport, removable }: Disk, { sys, dev }: { sys: string; dev: string }) {
  // cheap adapters hang on commands that they do not know
  const isPlain = !removable && transport !== "usb";
  const isNvme = name.startsWith("nvme"), isScsi = name.startsWith("sd");
  if (!isPlain || (!isNvme && !isScsi)) return undefined;
  using device = Device.open(`${dev}/${name}`);
  if (device === undefined) return undefined;
  if (isNvme) return await readNvmeHealth(device);
  // libata's name for every disk that it drives; SAS controllers translate for SATA disks, and name them alike
  const isAta = await firstLine(`${sys}/block/${name}/device/vendor`) === "ATA";
  return isAta ? await readAtaHealth(device) : await readScsiHealth(device);
}
