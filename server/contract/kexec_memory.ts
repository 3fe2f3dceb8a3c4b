/** While files are loaded by kexec they are in memory three times: as received, as read, and where they start from. */
const COPIES = 3;
const SPARE_BYTES = 48 << 20;

/** Memory that must be available to load a kernel and an initramfs of this size together. */
export function kexecBytes(sizeBytes: number): number {
  return COPIES * sizeBytes + SPARE_BYTES;
}
