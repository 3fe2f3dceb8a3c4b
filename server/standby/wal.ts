/**
 * SQLite's write-ahead log ("WAL Format", sqlite.org/fileformat2.html §4.1), as far as it takes to find the end of the
 * last committed transaction:
 *
 *      0  magic 0x377f0682, or …83 if the checksums are over big-endian words
 *      4  format version 3007000       8  page size
 *     12  checkpoint number           16  salt, 8 bytes, new whenever the log begins again
 *     24  checksum of these 24 bytes, 8 bytes
 *     32  frames: page number; pages of the database if it ends a transaction, else 0; salt; checksum, 8 bytes; page
 *
 * Each checksum goes on from the one before, so that two logs with the same salt and the same checksum at an offset are
 * equal up to there.
 */
export const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682, VERSION = 3007000;

/** The end of a transaction in a log. */
export interface WalPosition {
  /** In hexadecimal, as `check`. */
  readonly salt: string;
  readonly at: number;
  readonly check: string;
}

type Sum = readonly [number, number];

/**
 * Follows one log from its header on.
 *
 * @example
 * ```ts
 * import { WalCursor } from "./wal.ts";
 *
 * export function committedBytes(log: Uint8Array): number {
 *   const cursor = WalCursor.at(log);
 *   cursor?.scan(log.subarray(cursor.position.at));
 *   return cursor?.position.at ?? 0;
 * }
 * ```
 */
export class WalCursor {
  readonly salt: string;
  readonly frameBytes: number;
  readonly #isLittleEndian: boolean;
  #at = WAL_HEADER_BYTES;
  #sum: Sum;
  #scannedTo = WAL_HEADER_BYTES;
  #scannedSum: Sum;

  private constructor(
    { salt, pageBytes, isLittleEndian, sum }: {
      salt: string;
      pageBytes: number;
      isLittleEndian: boolean;
      sum: Sum;
    },
  ) {
    this.salt = salt;
    this.frameBytes = FRAME_HEADER_BYTES + pageBytes;
    this.#isLittleEndian = isLittleEndian;
    this.#sum = this.#scannedSum = sum;
  }

  /** At the first frame. Undefined if the header is not whole: SQLite ignores such a log, too. */
  static at(header: Uint8Array): WalCursor | undefined {
    if (header.length < WAL_HEADER_BYTES) return undefined;
    const view = new DataView(header.buffer, header.byteOffset, WAL_HEADER_BYTES);
    const magic = view.getUint32(0), pageBytes = view.getUint32(8);
    if ((magic & ~1) !== MAGIC || view.getUint32(4) !== VERSION) return undefined;
    if (pageBytes < 512 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0) return undefined;
    const isLittleEndian = magic === MAGIC;
    const sum = checksum([0, 0], { bytes: header.subarray(0, 24), isLittleEndian });
    if (!isSum(sum, view, 24)) return undefined;
    return new WalCursor({ salt: hex(header.subarray(16, 24)), pageBytes, isLittleEndian, sum });
  }

  /** The end of the last transaction that was scanned. */
  get position(): WalPosition {
    const check = new DataView(new ArrayBuffer(8));
    this.#sum.forEach((word, i) => check.setUint32(4 * i, word));
    return { salt: this.salt, at: this.#at, check: hex(new Uint8Array(check.buffer)) };
  }

  /** Where the next bytes to scan are. */
  get scannedTo(): number {
    return this.#scannedTo;
  }

  /** Takes the bytes from `scannedTo` on. Returns how many of them are sound frames. */
  scan(bytes: Uint8Array): number {
    let from = 0;
    for (; from + this.frameBytes <= bytes.length; from += this.frameBytes) {
      const frame = bytes.subarray(from, from + this.frameBytes);
      const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES);
      if (hex(frame.subarray(8, 16)) !== this.salt) break;
      const isLittleEndian = this.#isLittleEndian;
      const head = checksum(this.#scannedSum, { bytes: frame.subarray(0, 8), isLittleEndian });
      const sum = checksum(head, { bytes: frame.subarray(FRAME_HEADER_BYTES), isLittleEndian });
      if (!isSum(sum, view, 16)) break;
      this.#scannedSum = sum;
      this.#scannedTo += this.frameBytes;
      if (view.getUint32(4) === 0) continue;
      this.#sum = sum;
      this.#at = this.#scannedTo;
    }
    return from;
  }

  /** Forgets frames after the last whole transaction: one that is rolled back is written over. */
  rewind(): void {
    this.#scannedTo = this.#at;
    this.#scannedSum = this.#sum;
  }
}

/** §4.2: over pairs of 32-bit words. */
function checksum(
  [first, second]: Sum,
  { bytes, isLittleEndian }: { bytes: Uint8Array; isLittleEndian: boolean },
): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < bytes.length; i += 8) {
    first = (first + view.getUint32(i, isLittleEndian) + second) | 0;
    second = (second + view.getUint32(i + 4, isLittleEndian) + first) | 0;
  }
  return [first >>> 0, second >>> 0];
}

function isSum([first, second]: Sum, view: DataView, at: number): boolean {
  return view.getUint32(at) === first && view.getUint32(at + 4) === second;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
