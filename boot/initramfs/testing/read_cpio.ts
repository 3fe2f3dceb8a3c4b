import { type Device, headerBytes, roundUp, trailer } from "../cpio.ts";

/** One entry of an archive. */
interface ReadCpioEntry {
  readonly path: string;
  /** Type and permission bits. */
  readonly mode: number;
  readonly device: Device;
  readonly content: Uint8Array;
}

/**
 * Reads a whole archive.
 * @throws Error if it is cut short, has another magic, or its trailer is followed by more than padding
 */
export function readCpio(archive: Uint8Array): ReadCpioEntry[] {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const entries: ReadCpioEntry[] = [];
  let offset = 0;
  const take = (sizeBytes: number): Uint8Array => {
    if (offset + sizeBytes > archive.length) {
      throw new Error(`the archive ends inside an entry, at offset ${offset}`);
    }
    const part = archive.subarray(offset, offset + sizeBytes);
    offset += sizeBytes;
    return part;
  };
  while (true) {
    const head = decoder.decode(take(headerBytes));
    if (!/^070701[0-9a-fA-F]{104}$/.test(head)) {
      throw new Error(`the archive has no entry at offset ${offset - headerBytes}`);
    }
    const field = (index: number) => parseInt(head.slice(6 + index * 8, 14 + index * 8), 16);
    const nameSize = field(11);
    const contentSize = field(6);
    const name = decoder.decode(take(nameSize).subarray(0, -1));
    take(roundUp(offset) - offset);
    const content = take(contentSize);
    take(roundUp(offset) - offset);
    if (name === trailer) break;
    entries.push({ path: name, mode: field(1), device: { major: field(9), minor: field(10) }, content });
  }
  if (archive.subarray(offset).some((byte) => byte !== 0)) {
    throw new Error(`bytes after the trailer, at offset ${offset}`);
  }
  return entries;
}
