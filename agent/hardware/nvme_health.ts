/** The health of an NVMe disk by its SMART log (NVM Express Base Specification 2.0 §5.16.1.3, figure 207). */
import type { DiskHealth } from "#contract/api/hardware.ts";
import { type Device, pinned } from "../sys/device_request.ts";

export const NVME_LOG_BYTES = 512;
/** _IOWR('N', 0x41, struct nvme_passthru_cmd), linux/nvme_ioctl.h: 72 bytes. */
const NVME_IOCTL_ADMIN_CMD = 0xc0484e41, COMMAND_BYTES = 72;
const GET_LOG_PAGE = 0x02, SMART_LOG = 0x02, ALL_NAMESPACES = 0xffffffff;
const TIMEOUT_MS = 5000;

/** Undefined if the disk does not answer. */
export async function readNvmeHealth(device: Device): Promise<DiskHealth | undefined> {
  const log = pinned(NVME_LOG_BYTES), command = pinned(COMMAND_BYTES), { view } = command;
  // opcode u8 0, nsid u32 4, addr u64 24, data_len u32 36, cdw10 u32 40, timeout_ms u32 64
  view.setUint8(0, GET_LOG_PAGE);
  view.setUint32(4, ALL_NAMESPACES, true);
  view.setBigUint64(24, log.address, true);
  view.setUint32(36, NVME_LOG_BYTES, true);
  // the number of double words, less one, in the upper half
  view.setUint32(40, (NVME_LOG_BYTES / 4 - 1) << 16 | SMART_LOG, true);
  view.setUint32(64, TIMEOUT_MS, true);
  return await device.request(NVME_IOCTL_ADMIN_CMD, command, [log]) ? parseNvmeLog(log.bytes) : undefined;
}

/** Bits of the critical warning. */
const CRITICAL: readonly (readonly [bit: number, failing: boolean, reason: string])[] = [
  [0, true, "its spare blocks have run out"],
  [1, false, "it is too hot or too cold"],
  [2, true, "its reliability is degraded"],
  [3, true, "it has become read-only"],
  [4, false, "its power-loss protection has failed"],
  [5, true, "its persistent memory region is unreliable"],
];

/** @param log 512 bytes; throws RangeError if it is shorter. */
export function parseNvmeLog(log: Uint8Array): DiskHealth {
  const view = new DataView(log.buffer, log.byteOffset, log.length);
  const critical = CRITICAL.filter(([bit]) => view.getUint8(0) & 1 << bit);
  const kelvin = view.getUint16(1, true), wearPercent = view.getUint8(5);
  const mediaErrors = largeNumber(view, 160), hours = largeNumber(view, 128);
  const worn = wearPercent >= 100 ? [`${wearPercent} % of its rated endurance is used`] : [];
  const errors = mediaErrors > 0 ? [`it could not read or write ${mediaErrors} times`] : [];
  const isFailing = critical.some(([, failing]) => failing);
  const reasons = [...critical.map(([, , reason]) => reason), ...worn, ...errors];
  return {
    verdict: isFailing ? "failing" : reasons.length > 0 ? "warning" : "good",
    reasons,
    wearPercent,
    powerOnHours: hours,
    ...(kelvin > 0 && { temperatureCelsius: kelvin - 273 }),
  };
}

/** 128 bits, little-endian; at most what a number holds exactly. */
function largeNumber(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true) | view.getBigUint64(at + 8, true) << 64n;
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
