/**
 * The table of a frame's extents, in a frame upload and inside the server: for each extent in order
 *
 *     0   SHA-256 of its content, 32 bytes
 *    32   size in bytes, u32 big-endian
 */
import { SHA256_BYTES } from "./sha256.ts";

export const EXTENT_ROW_BYTES = SHA256_BYTES + 4;

interface ExtentRow {
  /** 32 bytes; from a peer it is a claim until the content has been hashed. */
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
}

/** Writes row `index` of a table. */
export function writeExtentRow(table: Uint8Array, index: number, { sha256, sizeBytes }: ExtentRow): void {
  const at = index * EXTENT_ROW_BYTES;
  table.set(sha256, at);
  viewOf(table).setUint32(at + SHA256_BYTES, sizeBytes);
}

/** The rows, with hashes as views into the table. */
export function* extentRows(table: Uint8Array): Generator<ExtentRow> {
  const view = viewOf(table);
  for (let at = 0; at < table.length; at += EXTENT_ROW_BYTES) {
    yield {
      sha256: table.subarray(at, at + SHA256_BYTES),
      sizeBytes: view.getUint32(at + SHA256_BYTES),
    };
  }
}

/** A view of the same bytes. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
