/**
 * Stands in for devices that the kernel would write to, however read-only they are: it writes bitmaps of MD arrays and
 * metadata of raid volumes and pools as soon as they are active, and no write protection stops it (Linux, block/blk-core.c,
 * bio_check_ro: "Older lvm-tools actually trigger this").
 */
import { MemorySnapshot } from "../../sys/memory_snapshot.ts";
import type { AssembledVolume, AssembleWork } from "./assembled_volume.ts";
import { kernelNameOf } from "./kernel_devices.ts";

/** The device to use in place of the volume's own, until `stack` is disposed of. */
export async function unwrittenDevice(
  { device }: AssembledVolume,
  { readOnly, run, signal, snapshots }: AssembleWork,
  stack: AsyncDisposableStack,
): Promise<string> {
  if (!readOnly) return device;
  const origin = `/dev/${await kernelNameOf(device)}`;
  const snapshot = stack.use(await MemorySnapshot.over(origin, { run, signal }));
  snapshots.set(snapshot.device, device);
  return snapshot.device;
}
