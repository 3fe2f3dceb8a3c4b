/**
 * The parts of an ELF64 little-endian file that a dynamic loader reads (System V gABI, chapters 4 and 5; ld.so(8)).
 * The files come from images, so every offset is checked.
 */
export interface Elf {
  /** PT_INTERP, without its NUL; undefined for libraries, kernel modules and static programs. */
  readonly interpreter:
    | { readonly path: string; readonly offset: number; readonly sizeBytes: number }
    | undefined;
  readonly needed: readonly string[];
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const programHeaderBytes = 56;
const sectionHeaderBytes = 64;
const dynamicEntryBytes = 16;
/** PATH_MAX. Library names and search paths are shorter. */
const longestString = 4096;

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** @throws Error if the file is not a well-formed ELF64 little-endian file */
export function parseElf(bytes: Uint8Array): Elf {
  const reader = new ElfReader(bytes);
  const segments = readSegments(reader);
  const interp = segments.find((segment) => segment.type === PT_INTERP);
  const interpreter = interp === undefined ? undefined : {
    path: reader.string(interp.offset, interp.offset + interp.sizeBytes),
    offset: interp.offset,
    sizeBytes: interp.sizeBytes,
  };
  return { interpreter, ...readDynamic(reader, segments) };
}

/**
 * Replaces the dynamic loader of `program`, in place.
 * @throws RangeError if the new path does not fit in place of the old one
 */
export function setInterpreter(program: Uint8Array, path: string): void {
  const { interpreter } = parseElf(program);
  if (interpreter === undefined) throw new Error("the program has no dynamic loader to replace");
  const encoded = new TextEncoder().encode(`${path}\0`);
  if (encoded.length > interpreter.sizeBytes) {
    throw new RangeError(`${path} does not fit the ${interpreter.sizeBytes} bytes of ${interpreter.path}`);
  }
  const field = program.subarray(interpreter.offset, interpreter.offset + interpreter.sizeBytes);
  field.fill(0);
  field.set(encoded);
}

/** The content of the section with this name, e.g. `.modinfo` of a kernel module. */
export function readSection(bytes: Uint8Array, name: string): Uint8Array | undefined {
  const reader = new ElfReader(bytes);
  const table = reader.u64(0x28);
  const count = reader.u16(0x3c);
  if (table === 0 || count === 0) return undefined;
  if (reader.u16(0x3a) !== sectionHeaderBytes) throw new Error("the section headers have an unknown size");
  const header = (index: number) => table + index * sectionHeaderBytes;
  const names = header(reader.u16(0x3e));
  const namesStart = reader.u64(names + 0x18);
  const namesEnd = namesStart + reader.u64(names + 0x20);
  for (let index = 0; index < count; index++) {
    if (reader.string(namesStart + reader.u32(header(index)), namesEnd) !== name) continue;
    return reader.slice(reader.u64(header(index) + 0x18), reader.u64(header(index) + 0x20));
  }
  return undefined;
}

function readSegments(reader: ElfReader): Segment[] {
  const table = reader.u64(0x20);
  const count = reader.u16(0x38);
  if (count > 0 && reader.u16(0x36) !== programHeaderBytes) {
    throw new Error("the program headers have an unknown size");
  }
  return Array.from({ length: count }, (_, index) => {
    const header = table + index * programHeaderBytes;
    return {
      type: reader.u32(header),
      offset: reader.u64(header + 8),
      address: reader.u64(header + 16),
      sizeBytes: reader.u64(header + 32),
    };
  });
}

function readDynamic(reader: ElfReader, segments: readonly Segment[]): Omit<Elf, "interpreter"> {
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  if (dynamic === undefined) return { needed: [], rpath: [], runpath: [] };
  const entries: { tag: number; value: number }[] = [];
  for (
    let at = dynamic.offset;
    at + dynamicEntryBytes <= dynamic.offset + dynamic.sizeBytes;
    at += dynamicEntryBytes
  ) {
    const tag = reader.u64(at);
    if (tag === DT_NULL) break;
    // Other tags are skipped: their values may be any 64 bits.
    if (tag === DT_NEEDED || tag === DT_STRTAB || tag === DT_RPATH || tag === DT_RUNPATH) {
      entries.push({ tag, value: reader.u64(at + 8) });
    }
  }
  const address = entries.find((entry) => entry.tag === DT_STRTAB)?.value;
  const home = segments.find((segment) =>
    segment.type === PT_LOAD && address !== undefined &&
    address >= segment.address && address < segment.address + segment.sizeBytes
  );
  if (address === undefined || home === undefined) return { needed: [], rpath: [], runpath: [] };
  const strings = home.offset + address - home.address;
  const stringsEnd = home.offset + home.sizeBytes;
  const all = (tag: number) =>
    entries.filter((entry) => entry.tag === tag).map((entry) =>
      reader.string(strings + entry.value, stringsEnd)
    );
  const folders = (tag: number) =>
    all(tag).flatMap((list) => list.split(":")).filter((folder) => folder !== "");
  return { needed: all(DT_NEEDED), rpath: folders(DT_RPATH), runpath: folders(DT_RUNPATH) };
}

/** Reads little-endian numbers and strings, and checks each read against the end of the file. */
class ElfReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    const [ELFCLASS64, ELFDATA2LSB] = [2, 1];
    if (!isElf(bytes) || bytes.length < 64 || bytes[4] !== ELFCLASS64 || bytes[5] !== ELFDATA2LSB) {
      throw new Error("not an ELF64 little-endian file");
    }
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(offset: number): number {
    return this.#view.getUint16(this.#checked(offset, 2), true);
  }

  u32(offset: number): number {
    return this.#view.getUint32(this.#checked(offset, 4), true);
  }

  u64(offset: number): number {
    const value = this.#view.getBigUint64(this.#checked(offset, 8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new Error(`an impossibly large number at offset ${offset}`);
    }
    return Number(value);
  }

  slice(offset: number, sizeBytes: number): Uint8Array {
    return this.#bytes.subarray(this.#checked(offset, sizeBytes), offset + sizeBytes);
  }

  /** A NUL-terminated string that ends before `end`. */
  string(offset: number, end: number): string {
    const limit = Math.min(end, offset + longestString, this.#bytes.length);
    const nul = this.#bytes.subarray(this.#checked(offset, 0), limit).indexOf(0);
    if (nul < 0) throw new Error(`an unterminated string at offset ${offset}`);
    return new TextDecoder().decode(this.#bytes.subarray(offset, offset + nul));
  }

  #checked(offset: number, sizeBytes: number): number {
    if (offset < 0 || sizeBytes < 0 || offset + sizeBytes > this.#bytes.length) {
      throw new Error(`the file ends before ${offset} + ${sizeBytes}`);
    }
    return offset;
  }
}
