/**
 * The health of an ATA disk by SMART (ATA8-ACS §7.52; SFF-8035i for the attributes), whose commands travel in SCSI's
 * ATA PASS-THROUGH (SAT-4 §12.2).
 */
import type { DiskHealth } from "#contract/api/hardware.ts";
import type { Device } from "../sys/device_request.ts";
import { type ScsiAnswer, scsiRequest } from "./scsi_request.ts";

export const SMART_BYTES = 512;
const PASS_THROUGH_16 = 0x85, NON_DATA = 3 << 1, PIO_IN = 4 << 1;
/** Byte 2: return the registers; or one block from the device, counted in the sector count. */
const WITH_REGISTERS = 0x20, ONE_BLOCK_IN = 0x0e;
const SMART = 0xb0, READ_DATA = 0xd0, READ_THRESHOLDS = 0xd1, RETURN_STATUS = 0xda;
/** The key of every SMART command, and what RETURN STATUS leaves in its place if a threshold is exceeded. */
const KEY = { mid: 0x4f, high: 0xc2 }, EXCEEDED = { mid: 0xf4, high: 0x2c };

/** Undefined if the disk has no SMART, or has it switched off. */
export async function readAtaHealth(device: Device): Promise<DiskHealth | undefined> {
  const data = await scsiRequest(device, smart(READ_DATA), { dataBytes: SMART_BYTES });
  if (data?.status !== 0 || data.data.length < SMART_BYTES) return undefined;
  const thresholds = await scsiRequest(device, smart(READ_THRESHOLDS), { dataBytes: SMART_BYTES });
  const status = await scsiRequest(device, smart(RETURN_STATUS));
  const hasThresholds = thresholds?.status === 0 && thresholds.data.length === SMART_BYTES;
  return parseSmartData(data.data, {
    thresholds: hasThresholds ? thresholds.data : undefined,
    isExceeded: status && thresholdExceeded(status),
  });
}

function smart(feature: number): number[] {
  const isData = feature !== RETURN_STATUS;
  const command = new Array<number>(16).fill(0);
  command[0] = PASS_THROUGH_16;
  command[1] = isData ? PIO_IN : NON_DATA;
  command[2] = isData ? ONE_BLOCK_IN : WITH_REGISTERS;
  command[4] = feature;
  command[6] = isData ? 1 : 0;
  command[10] = KEY.mid;
  command[12] = KEY.high;
  command[14] = SMART;
  return command;
}

/**
 * The registers after RETURN STATUS, out of the sense data: in a descriptor (SAT-4 §12.2.2.6), or in the fixed format
 * (§12.2.2.7). Undefined if they are not there.
 */
export function thresholdExceeded({ sense }: Pick<ScsiAnswer, "sense">): boolean | undefined {
  const format = (sense[0] ?? 0) & 0x7f;
  const isDescriptor = format === 0x72 && sense[8] === 0x09 && sense[9] === 0x0c;
  if (!isDescriptor && format !== 0x70) return undefined;
  const [mid, high] = isDescriptor ? [sense[17], sense[19]] : [sense[10], sense[11]];
  if (mid === EXCEEDED.mid && high === EXCEEDED.high) return true;
  return mid === KEY.mid && high === KEY.high ? false : undefined;
}

/** A table of 30 attributes from offset 2, 12 bytes each: id, flags u16, value, worst, raw value of 6 bytes. */
const TABLE_AT = 2, ENTRY_BYTES = 12, ENTRIES = 30;
/** Flag of attributes whose threshold means that the disk will fail, not that it is old. */
const PREFAILURE = 1;
const HOURS = 9, TEMPERATURES = [194, 190];
/** Raw values above zero that a person should know of. */
const COUNTS: Readonly<Record<number, string>> = {
  5: "sectors were replaced by spare ones",
  197: "sectors could not be read and wait to be replaced",
  198: "sectors could not be read or written",
};

/** @param data 512 bytes, as `thresholds`; throws RangeError if shorter. `isExceeded`: the disk's own verdict. */
export function parseSmartData(
  data: Uint8Array,
  { thresholds, isExceeded }: { thresholds: Uint8Array | undefined; isExceeded: boolean | undefined },
): DiskHealth {
  const attributes = attributesOf(data);
  const limits = thresholds ? limitsOf(thresholds) : new Map<number, number>();
  const below = attributes.filter(({ id, flags, value }) => {
    const limit = limits.get(id) ?? 0;
    return (flags & PREFAILURE) !== 0 && limit > 0 && value > 0 && value <= limit;
  });
  const counts = attributes.flatMap(({ id, raw }) =>
    COUNTS[id] !== undefined && raw > 0 ? [`${raw} ${COUNTS[id]}`] : []
  );
  const raw = (id: number) => attributes.find((attribute) => attribute.id === id)?.raw;
  const temperature = TEMPERATURES.map(raw).find((value) => value !== undefined);
  const celsius = temperature === undefined ? undefined : temperature & 0xff, hours = raw(HOURS);
  const isFailing = isExceeded === true || below.length > 0;
  const reasons = [
    ...(isExceeded ? ["it expects to fail soon (SMART)"] : []),
    ...below.map(({ id, value }) =>
      `attribute ${id} is ${value}, at or below its threshold ${limits.get(id)}`
    ),
    ...counts,
  ];
  return {
    verdict: isFailing ? "failing" : counts.length > 0 ? "warning" : "good",
    reasons: reasons.slice(0, 16),
    ...(celsius !== undefined && { temperatureCelsius: celsius }),
    // some disks keep other units in the upper bytes
    ...(hours !== undefined && { powerOnHours: hours % 2 ** 32 }),
  };
}

function attributesOf(data: Uint8Array) {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: ENTRIES }, (_, i) => {
    const at = TABLE_AT + i * ENTRY_BYTES;
    return {
      id: view.getUint8(at),
      flags: view.getUint16(at + 1, true),
      value: view.getUint8(at + 3),
      raw: view.getUint32(at + 5, true) + view.getUint16(at + 9, true) * 2 ** 32,
    };
  }).filter(({ id }) => id !== 0);
}

/** id, threshold; 10 bytes reserved. */
function limitsOf(thresholds: Uint8Array): Map<number, number> {
  const view = new DataView(thresholds.buffer, thresholds.byteOffset, thresholds.length);
  return new Map(Array.from({ length: ENTRIES }, (_, i) => {
    const at = TABLE_AT + i * ENTRY_BYTES;
    return [view.getUint8(at), view.getUint8(at + 1)];
  }));
}
