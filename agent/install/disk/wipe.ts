/**
 * Removes what earlier lives left on a volume, so that nothing on the clone finds a RAID, a volume group, a pool or a
 * file system that is no longer there. wipefs(8) alone does not know every copy.
 */
import { readDisk } from "../../layout/disks.ts";
import { Device, pinned } from "../../sys/device_request.ts";
import { claimBlockDevice } from "../../sys/kernel.ts";
import { O } from "../../sys/libc.ts";
import type { TargetDisks } from "./guard.ts";
import type { CarryOut } from "./carry_out.ts";
import type { ByteRange } from "#plan/actions.ts";
import { wipeRanges } from "#plan/wipe.ts";

const BLOCK_BYTES = 1 << 20;
/** include/uapi/linux/fs.h: the start and the length in bytes, each 64 bits. */
const BLKZEROOUT = 0x127f;

/**
 * All partitions that the kernel knows on a disk, the disk itself, and `ranges` of it, where the plan puts something
 * else. Throws if something uses it.
 */
export async function wipeDisk(
  target: TargetDisks,
  { disk, ranges = [], run, signal }: CarryOut & {
    readonly disk: number;
    readonly ranges?: readonly ByteRange[] | undefined;
  },
): Promise<void> {
  const whole = target.whole(disk);
  // reading the old system may have left something active on it
  claimBlockDevice(whole);
  for (const { number } of (await readDisk(target.facts(disk).name))?.partitions ?? []) {
    await wipeVolume(target.device({ kind: "partition", disk, number }), { run, signal });
  }
  await zeroRanges(whole, ranges);
  await wipeVolume(whole, { run, signal });
  // the kernel would go on showing them on a disk that gets no table
  await run(["partx", "--delete", whole], { accept: [0, 1], signal });
}

/** `device`: on a proven disk. */
export async function wipeVolume(device: string, { run, signal }: CarryOut): Promise<void> {
  signal?.throwIfAborted();
  const sizeBytes = await sizeOfDevice(device);
  await zeroRanges(device, wipeRanges([{ at: 0, bytes: sizeBytes }], { sizeBytes, sectorBytes: 512 }));
  // anything that stands elsewhere
  await run(["wipefs", "--all", "--force", device], { signal, title: `cannot erase ${device}` });
}

/** In bytes. */
export async function sizeOfDevice(device: string): Promise<number> {
  using file = await Deno.open(device);
  return await file.seek(0, Deno.SeekMode.End);
}

async function zeroRanges(device: string, ranges: readonly ByteRange[]): Promise<void> {
  using file = await Deno.open(device, { write: true });
  for (const range of ranges) {
    if (!await zeroOut(device, range)) await writeZeros(file, range);
  }
  await file.sync();
}

/** The kernel zeroes the range itself, or lets the device do it. Returns false if it did not. */
async function zeroOut(device: string, { at, bytes }: ByteRange): Promise<boolean> {
  using open = Device.open(device, { flags: O.RDWR });
  const range = pinned(16);
  range.view.setBigUint64(0, BigInt(at), true);
  range.view.setBigUint64(8, BigInt(bytes), true);
  return await open?.request(BLKZEROOUT, range) ?? false;
}

async function writeZeros(file: Deno.FsFile, { at, bytes }: ByteRange): Promise<void> {
  await file.seek(at, Deno.SeekMode.Start);
  const zeros = new Uint8Array(Math.min(BLOCK_BYTES, bytes));
  for (let left = bytes; left > 0;) {
    left -= await file.write(zeros.subarray(0, Math.min(left, zeros.length)));
  }
}
