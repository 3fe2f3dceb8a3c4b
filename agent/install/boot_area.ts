/**
 * The boot loader as it stands: its files, and for BIOS its code outside of all file systems. Compared with what
 * they were at the end of the installation, since nobody else knows what grub-install made of this disk.
 */
import { createHash } from "node:crypto";
import type { DiskLayout } from "#contract/layout.ts";
import { isEsp } from "../capture/lacks.ts";
import { type CloneRecord, hashFiles } from "./clone_record.ts";
import type { TargetDisk } from "./guard.ts";
import { BIOS_BOOT_TYPE, type Plan } from "./plan.ts";
import type { CloneTree } from "./tree_files.ts";

/** Boot code of an MBR (UEFI 2.10 §5.2.1): what follows is the disk's signature and its table. */
const MBR_CODE_BYTES = 440;
/** grub's core image is smaller by far. */
const MAX_AREA_BYTES = 8 << 20;

/** Where the loader's files are, in the clone's tree. */
export function bootFolders(layout: DiskLayout | undefined): string[] {
  const esp = layout?.fileSystems.find(isEsp)?.mountPoint;
  return ["/boot/grub", "/boot/grub2", ...esp ? [`${esp}/EFI`] : []];
}

export async function bootState(
  target: TargetDisk,
  { plan, clone, folders }: { plan: Plan; clone: CloneTree; folders: readonly string[] },
): Promise<NonNullable<CloneRecord["boot"]>> {
  return { area: await areaHash(target, plan), files: await hashFiles(clone, folders) };
}

/** Why the loader is to be installed again, in words; undefined where it is as it was. Pure. */
export function bootDamage(
  now: NonNullable<CloneRecord["boot"]>,
  { record, manifest }: { record: CloneRecord | undefined; manifest: string },
): string | undefined {
  const then = record?.boot;
  if (then === undefined) return "how it was installed is not known";
  if (record?.manifest !== manifest) return "it is another version's";
  if (now.area !== then.area) return "its code at the disk's start is another";
  const changed = Object.entries(then.files).filter(([path, hash]) => now.files[path] !== hash);
  const [first] = changed;
  return first && `${changed.length} of its files are not as they were (${first[0]})`;
}

/** Empty for UEFI: all of its loader is files. */
async function areaHash(target: TargetDisk, { actions }: Plan): Promise<string> {
  const loader = actions.find((a) => a.do === "boot-loader");
  if (loader?.do !== "boot-loader" || loader.bootLoader.firmware === "uefi") return "";
  const hash = createHash("sha256");
  using disk = await Deno.open(target.device());
  for (const { start, end } of areas(actions)) {
    await disk.seek(start, Deno.SeekMode.Start);
    const bytes = new Uint8Array(end - start);
    for (let at = 0; at < bytes.length;) {
      const got = await disk.read(bytes.subarray(at));
      if (got === null) break;
      at += got;
    }
    hash.update(bytes);
  }
  return hash.digest("hex");
}

function areas(actions: Plan["actions"]): { start: number; end: number }[] {
  const code = { start: 0, end: MBR_CODE_BYTES };
  const table = actions.find((a) => a.do === "partition");
  if (table?.do !== "partition") return [code];
  const { sectorBytes, partitions } = table;
  const bios = partitions.find((p) => p.type.toLowerCase() === BIOS_BOOT_TYPE);
  const first = Math.min(...partitions.map((p) => p.startSector));
  // GPT: the partition that is there for it; MBR: the gap behind the table
  const [start, end] = table.table === "gpt"
    ? [bios?.startSector ?? 0, (bios?.startSector ?? 0) + (bios?.sectors ?? 0)]
    : [
      1,
      first,
    ];
  const from = start * sectorBytes;
  return [code, { start: from, end: Math.min(end * sectorBytes, from + MAX_AREA_BYTES) }];
}
