/**
 * The state of the boot loader: its files, and for BIOS its code outside the file systems. It is compared with its
 * state at the end of the installation, since only the disk shows what grub-install made there.
 */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { BIOS_BOOT_TYPE, type DiskLayout, isEsp } from "#contract/format/layout.ts";
import { type CloneRecord, type FileHashes, hashFiles } from "../records/clone_record.ts";
import type { TargetDisks } from "../disk/guard.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

/** Boot code of an MBR (UEFI 2.10 §5.2.1): what follows is the disk's signature and its table. */
const MBR_CODE_BYTES = 440;
/** GRUB's core image is far smaller. */
const MAX_AREA_BYTES = 2 << 20;

/** Folders of the loader in the clone's tree. */
export function bootFolders(layout: DiskLayout | undefined): string[] {
  const esp = layout?.fileSystems.find(isEsp)?.mountPoint;
  return [
    ...["/boot/grub", "/boot/grub2"],
    ...layout?.boot?.entries ?? [],
    ...esp ? [`${esp}/EFI`] : [],
  ];
}

/** `known`: files that still have its marks are not read again. */
export async function bootState(
  target: TargetDisks,
  { plan, clone, ...files }: {
    plan: Plan;
    clone: CloneTree;
    folders: readonly string[];
    known?: FileHashes | undefined;
  },
): Promise<NonNullable<CloneRecord["boot"]>> {
  const area = zstdCompressSync(await readArea(target, plan)).toString("base64");
  return { area, ...await hashFiles(clone, files) };
}

export type LoaderState =
  | { readonly state: "sound" }
  /** Its files are unchanged, so its code can be put back. */
  | { readonly state: "lost"; readonly because: string }
  | { readonly state: "unknown"; readonly because: string };

/**
 * Pure.
 *
 * @example Its files are unchanged, but its code was overwritten
 * ```ts
 * import assert from "node:assert/strict";
 * import { judgeLoader } from "./boot_area.ts";
 *
 * const files = { "/boot/grub/grub.cfg": "5ec1" };
 * const record = {
 *   format: "rackseed-clone" as const,
 *   formatVersion: 1 as const,
 *   manifest: "m1",
 *   own: [],
 *   boot: { area: "AAAA", files },
 * };
 * assert.equal(judgeLoader({ area: "AAAA", files }, { record, manifest: "m1" }).state, "sound");
 * assert.equal(judgeLoader({ area: "BBBB", files }, { record, manifest: "m1" }).state, "lost");
 * assert.equal(judgeLoader({ area: "AAAA", files: {} }, { record, manifest: "m1" }).state, "unknown");
 * ```
 */
export function judgeLoader(
  now: NonNullable<CloneRecord["boot"]>,
  { record, manifest }: { record: CloneRecord | undefined; manifest: string },
): LoaderState {
  const then = record?.boot;
  if (then === undefined) return { state: "unknown", because: "there is no record of its installation" };
  if (record?.manifest !== manifest) {
    return { state: "unknown", because: "it was installed with another version of the image" };
  }
  const changed = Object.entries(then.files).filter(([path, hash]) => now.files[path] !== hash);
  const [first] = changed;
  if (first) {
    return {
      state: "unknown",
      because: `${changed.length} of its files have changed (${first[0]})`,
    };
  }
  return now.area === then.area
    ? { state: "sound" }
    : { state: "lost", because: "its code at the start of the disk has changed" };
}

/** Writes the recorded code of the loader, and reads it back. Throws if that fails. */
export async function putBackArea(
  target: TargetDisks,
  { plan, area }: { plan: Plan; area: string },
): Promise<void> {
  const ranges = areasOf(plan);
  const total = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  const bytes = zstdDecompressSync(Buffer.from(area, "base64"), { maxOutputLength: Math.max(1, total) });
  if (bytes.length !== total) throw new RangeError("the recorded boot code is from another layout");
  let at = 0;
  for (const range of ranges) {
    using disk = await Deno.open(target.whole(range.disk), { write: true });
    await disk.seek(range.start, Deno.SeekMode.Start);
    const part = bytes.subarray(at, at += range.end - range.start);
    for (let done = 0; done < part.length;) done += await disk.write(part.subarray(done));
    await disk.sync();
  }
  if (!Buffer.from(await readArea(target, plan)).equals(bytes)) {
    throw new RangeError("the disk does not return the boot code as it was written");
  }
}

async function readArea(target: TargetDisks, plan: Plan): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const { disk: number, start, end } of areasOf(plan)) {
    using disk = await Deno.open(target.whole(number));
    await disk.seek(start, Deno.SeekMode.Start);
    const bytes = new Uint8Array(end - start);
    for (let at = 0; at < bytes.length;) {
      const got = await disk.read(bytes.subarray(at));
      if (got === null) break;
      at += got;
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

interface Area {
  /** Number of the disk. */
  readonly disk: number;
  readonly start: number;
  readonly end: number;
}

/** None for UEFI, whose loader consists of files only. */
function areasOf(plan: Plan): Area[] {
  return actionsOf(plan, "boot-loader").flatMap(({ bootLoader }) =>
    bootLoader.firmware === "bios" ? bootLoader.disks.flatMap((disk) => areasOn(disk, plan)) : []
  );
}

function areasOn(disk: number, plan: Plan): Area[] {
  const code = { disk, start: 0, end: MBR_CODE_BYTES };
  const table = actionsOf(plan, "partition").find((a) => a.disk === disk);
  if (table === undefined) return [code];
  const { sectorBytes, partitions } = table;
  const bios = partitions.find((p) => p.type.toLowerCase() === BIOS_BOOT_TYPE);
  const first = Math.min(...partitions.map((p) => p.startSector));
  // GPT: the BIOS boot partition; MBR: the gap behind the table
  const [start, end] = table.table === "gpt"
    ? [bios?.startSector ?? 0, (bios?.startSector ?? 0) + (bios?.sectors ?? 0)]
    : [1, first];
  const from = start * sectorBytes;
  return [code, { disk, start: from, end: Math.min(end * sectorBytes, from + MAX_AREA_BYTES) }];
}
