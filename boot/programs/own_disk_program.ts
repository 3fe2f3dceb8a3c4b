/**
 * A UEFI application that does nothing but fail, so that the firmware goes on to its next boot entry: after a success it
 * would stop at its menu (UEFI 2.10 §3.1.1). It is the shortest way of a machine without an order to its own disk, and
 * unlike iPXE it prints nothing.
 */

/** mov eax, 14; bts rax, 63; ret: EFI_NOT_FOUND, an error (UEFI 2.10, appendix D). */
const FAIL = [0xb8, 14, 0, 0, 0, 0x48, 0x0f, 0xba, 0xe8, 63, 0xc3];

export function ownDiskProgram(): Uint8Array<ArrayBuffer> {
  return efiApplication(FAIL);
}

/** Wraps x64 code, of at most 512 bytes, in a PE32+ file with one section and no relocations (Microsoft PE format). */
export function efiApplication(code: readonly number[]): Uint8Array<ArrayBuffer> {
  if (code.length > 0x200) throw new RangeError(`${code.length} bytes of code are more than 512`);
  const file = new Uint8Array(0x400);
  const view = new DataView(file.buffer);
  const u16 = (offset: number, value: number) => view.setUint16(offset, value, true);
  const u32 = (offset: number, value: number) => view.setUint32(offset, value, true);
  const text = (offset: number, value: string) => file.set(new TextEncoder().encode(value), offset);
  text(0, "MZ");
  u32(0x3c, 0x40); // where the PE header is
  text(0x40, "PE");
  u16(0x44, 0x8664); // x64
  u16(0x46, 1); // sections
  u16(0x54, 0xf0); // size of the optional header
  u16(0x56, 0x22); // executable, large addresses
  const optional = 0x58;
  u16(optional, 0x20b); // PE32+
  u32(optional + 4, 0x200); // size of code
  u32(optional + 16, 0x1000); // entry point
  u32(optional + 20, 0x1000); // base of code
  u32(optional + 24, 0x400000); // image base
  u32(optional + 32, 0x1000); // section alignment
  u32(optional + 36, 0x200); // file alignment
  u32(optional + 56, 0x2000); // size of image
  u32(optional + 60, 0x200); // size of headers
  u16(optional + 68, 10); // EFI application
  u32(optional + 108, 16); // data directories
  const section = optional + 0xf0;
  text(section, ".text");
  u32(section + 8, code.length);
  u32(section + 12, 0x1000); // address
  u32(section + 16, 0x200); // size in the file
  u32(section + 20, 0x200); // offset in the file
  u32(section + 36, 0x60000020); // code, executable, readable
  file.set(code, 0x200);
  return file;
}
