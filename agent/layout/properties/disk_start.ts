/**
 * Reads what sfdisk does not report about a GPT: its protective MBR (UEFI 2.10 §5.2.3) and the place of its backup
 * header (§5.3.2). Both are in the first two sectors.
 */

interface DiskStart {
  /** Whether the protective partition is marked active. */
  readonly protectiveBoot: boolean;
  /** Whether the MBR lists other partitions too. */
  readonly isHybrid: boolean;
  /** Whether the backup header is in the disk's last sector; it is not on a disk that has grown. */
  readonly isBackupLast: boolean;
}

const TABLE_AT = 446, ENTRY_BYTES = 16, PROTECTIVE = 0xee, ACTIVE = 0x80, BACKUP_LBA_AT = 32;

export function parseDiskStart(
  bytes: Uint8Array,
  { sectorBytes, sizeBytes }: { sectorBytes: number; sizeBytes: number },
): DiskStart {
  if (bytes.length < 2 * sectorBytes) throw new RangeError("the disk ends within its partition table");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = [0, 1, 2, 3].map((index) => TABLE_AT + index * ENTRY_BYTES)
    .map((at) => ({ active: view.getUint8(at) === ACTIVE, type: view.getUint8(at + 4) }));
  return {
    protectiveBoot: entries.some(({ active, type }) => active && type === PROTECTIVE),
    isHybrid: entries.some(({ type }) => type !== 0 && type !== PROTECTIVE),
    isBackupLast: view.getBigUint64(sectorBytes + BACKUP_LBA_AT, true) ===
      BigInt(Math.floor(sizeBytes / sectorBytes) - 1),
  };
}

/** Offsets and values of the active flag of the first protective partition. */
export const PROTECTIVE_MARK = {
  at: TABLE_AT,
  active: ACTIVE,
  typeAt: TABLE_AT + 4,
  type: PROTECTIVE,
} as const;
