/**
 * Whether a kernel image carries a signature for Secure Boot; whose, only the machine that loads it can judge. Microsoft
 * PE/COFF specification:
 *
 *     0x3c  offset of the signature "PE\0\0"; the optional header begins 24 bytes behind it
 *     +0    its magic number, 0x20b for 64 bits
 *     +112  data directories of 8 bytes, address and size; the fifth is the certificate table
 */
const MAGIC_64 = 0x20b, DIRECTORIES = 112, CERTIFICATES = 4;

/** The header is within the first bytes of an image. */
export const KERNEL_HEADER_BYTES = 4096;

/** `header`: the first bytes of the image. Pure. */
export function isSignedKernel(header: Uint8Array): boolean {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const has = (at: number, bytes: number) => at >= 0 && at + bytes <= header.length;
  if (!has(0x3c, 4)) return false;
  const pe = view.getUint32(0x3c, true), optional = pe + 24;
  const entry = optional + DIRECTORIES + 8 * CERTIFICATES;
  if (!has(pe, 4) || view.getUint32(pe, true) !== 0x4550) return false;
  if (!has(entry, 8) || view.getUint16(optional, true) !== MAGIC_64) return false;
  return view.getUint32(entry, true) > 0 && view.getUint32(entry + 4, true) > 0;
}
