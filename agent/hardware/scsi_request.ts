/** One SCSI command to a disk through the kernel: SG_IO, struct sg_io_hdr of scsi/sg.h. */
import { type Device, pinned } from "../sys/device_request.ts";

const SG_IO = 0x2285, HEADER_BYTES = 88;
const FROM_DEVICE = -3, NO_DATA = -1;
const SENSE_BYTES = 64;
const TIMEOUT_MS = 5000;

export interface ScsiAnswer {
  /** SCSI status: 0 good, 2 check condition. */
  readonly status: number;
  readonly data: Uint8Array;
  /** What the device says of the command, if anything. */
  readonly sense: Uint8Array;
}

/** `dataBytes`: what the device is to send. Undefined if the command did not reach it. */
export async function scsiRequest(
  device: Device,
  command: readonly number[],
  { dataBytes = 0 }: { dataBytes?: number } = {},
): Promise<ScsiAnswer | undefined> {
  const cdb = pinned(command.length, command), data = pinned(Math.max(1, dataBytes));
  const sense = pinned(SENSE_BYTES), header = pinned(HEADER_BYTES), { view } = header;
  view.setInt32(0, "S".charCodeAt(0), true);
  view.setInt32(4, dataBytes > 0 ? FROM_DEVICE : NO_DATA, true);
  view.setUint8(8, command.length);
  view.setUint8(9, SENSE_BYTES);
  view.setUint32(12, dataBytes, true);
  view.setBigUint64(16, data.address, true);
  view.setBigUint64(24, cdb.address, true);
  view.setBigUint64(32, sense.address, true);
  view.setUint32(40, TIMEOUT_MS, true);
  if (!await device.request(SG_IO, header, [cdb, data, sense])) return undefined;
  // status u8 64, sb_len_wr u8 67, host_status u16 68, resid s32 72
  if (view.getUint16(68, true) !== 0) return undefined;
  const rest = Math.min(dataBytes, Math.max(0, view.getInt32(72, true)));
  return {
    status: view.getUint8(64),
    data: data.bytes.subarray(0, dataBytes - rest),
    sense: sense.bytes.subarray(0, Math.min(SENSE_BYTES, view.getUint8(67))),
  };
}
