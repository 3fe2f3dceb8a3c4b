/** Kernels and unified kernel images, as far as they are read. */

const VERSION_AT = 0x300;

export function bytesOfKernel(release: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(0x400);
  bytes.write("HdrS", 0x202, "latin1");
  bytes.writeUInt16LE(VERSION_AT - 0x200, 0x20e);
  bytes.write(`${release} (builder@host) #1 SMP\0`, VERSION_AT, "latin1");
  return Uint8Array.from(bytes);
}

export function bytesOfUnified(sections: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(0x400), pe = 0x40, names = Object.keys(sections);
  header.writeUInt32LE(pe, 0x3c);
  header.writeUInt32LE(0x4550, pe);
  header.writeUInt16LE(names.length, pe + 6);
  let offset = header.length;
  for (const [i, [name, { length }]] of Object.entries(sections).entries()) {
    const at = pe + 24 + i * 40;
    header.write(name, at, "latin1");
    for (const field of [8, 16]) header.writeUInt32LE(length, at + field);
    header.writeUInt32LE(offset, at + 20);
    offset += length;
  }
  return Uint8Array.from(Buffer.concat([header, ...Object.values(sections)]));
}
