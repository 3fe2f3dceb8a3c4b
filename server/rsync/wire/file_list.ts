/**
 * The file list that a sender starts with (send_file_entry in rsync's flist.c). One entry:
 *
 *     flags   1 byte, or 2 with the bit "extended" (since protocol 28); never 0, which ends the list
 *     name    [1 byte: length of the prefix shared with the previous name] length (1 byte, or a long one), bytes
 *     length  long
 *     time    seconds: varlong of at least 4 bytes, before protocol 30 an int; [nanoseconds: varint]
 *     mode    int
 *     owner, group   if the client asked for them: varint, before protocol 30 an int
 *     sum     checksum, 16 bytes, if the client asked for it
 */
import { type ByteSource, int32, long, readByte, readInt32, readLong } from "./integers.ts";
import { readVarint, readVarlong, varint, varlong, WireError } from "./integers.ts";

export interface FileEntry {
  readonly name: string;
  readonly type: "file" | "directory";
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly modifiedSeconds: number;
}

interface ListFormat {
  readonly protocol: number;
  /** What the client asked for. Each adds a field to every entry. */
  readonly owners?: boolean;
  readonly groups?: boolean;
  readonly sums?: boolean;
  /** Owners and groups are numeric: no names follow the list. */
  readonly numericIds?: boolean;
}

const FLAG = {
  topDirectory: 1,
  sameMode: 1 << 1,
  extended: 1 << 2,
  sameName: 1 << 5,
  longName: 1 << 6,
  sameTime: 1 << 7,
  endWithError: 1 << 12,
  nanoseconds: 1 << 13,
};
/** The flags that may occur in a list requested without owners, links and devices. */
const UNDERSTOOD = 0xff | 1 << 8 | FLAG.nanoseconds;
const MODE = { type: 0o170000, file: 0o100000, directory: 0o040000 };
const SUM_BYTES = 16;
const MAX_NAME_BYTES = 4096;
const ROOT = 0;

/** `sum`: the file's MD5 (MD4 before protocol 30), if the client asked for checksums. */
export function encodeFileEntry(entry: FileEntry, format: ListFormat & { sum?: Uint8Array }): Uint8Array {
  const { protocol, owners, groups, sums, sum } = format;
  const name = new TextEncoder().encode(entry.name);
  if (name.length === 0 || name.length > 255) throw new RangeError(`${entry.name} is too long a name`);
  const file = entry.type === "file";
  const id = protocol >= 30 ? varint(ROOT) : int32(ROOT);
  return Buffer.concat([
    // on a file the bit has no meaning, but it keeps the flags from being 0
    Uint8Array.of(FLAG.topDirectory, name.length),
    name,
    long(entry.sizeBytes, { protocol }),
    protocol >= 30 ? varlong(entry.modifiedSeconds, 4) : int32(entry.modifiedSeconds),
    int32(file ? MODE.file | 0o644 : MODE.directory | 0o755),
    ...(owners ? [id] : []),
    ...(groups ? [id] : []),
    // before protocol 28, directories have one too, of zeros
    ...(sums && (file || protocol < 28) ? [sum ?? new Uint8Array(SUM_BYTES)] : []),
  ]);
}

/** The end of the list: 0, the names of owners and groups (none), and before protocol 30 the I/O error flags (0). */
export function encodeListEnd({ protocol, owners, groups, numericIds }: ListFormat): Uint8Array {
  const noNames = protocol >= 30 ? varint(0) : int32(0);
  return Buffer.concat([
    Uint8Array.of(0),
    ...(owners && !numericIds ? [noNames] : []),
    ...(groups && !numericIds ? [noNames] : []),
    ...(protocol < 30 ? [int32(0)] : []),
  ]);
}

/** Reads a list that was requested without owners, groups, links, devices and checksums. Throws WireError. */
export async function readFileList(
  source: ByteSource,
  { protocol, maxEntries }: { protocol: number; maxEntries: number },
): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  const before = { name: new Uint8Array(0), modifiedSeconds: 0, mode: 0 };
  for (;;) {
    let flags = await readByte(source);
    if (flags === 0) break;
    if (protocol >= 28 && flags & FLAG.extended) flags |= await readByte(source) << 8;
    if (flags === (FLAG.extended | FLAG.endWithError)) {
      await readVarint(source);
      break;
    }
    if (flags & ~UNDERSTOOD) throw new WireError("the list has an entry that was not requested");
    if (entries.length === maxEntries) throw new WireError(`the list has more than ${maxEntries} entries`);
    before.name = await readName(source, { flags, protocol, before: before.name });
    const sizeBytes = await readLong(source, { protocol });
    if (!(flags & FLAG.sameTime)) {
      before.modifiedSeconds = protocol >= 30 ? await readVarlong(source, 4) : await readInt32(source);
    }
    if (flags & FLAG.nanoseconds) await readVarint(source);
    if (!(flags & FLAG.sameMode)) before.mode = await readInt32(source);
    const type = before.mode & MODE.type;
    if (type !== MODE.file && type !== MODE.directory) {
      throw new WireError("the list has an entry that is neither a file nor a directory");
    }
    entries.push({
      name: new TextDecoder().decode(before.name),
      type: type === MODE.file ? "file" : "directory",
      sizeBytes,
      modifiedSeconds: before.modifiedSeconds,
    });
  }
  if (protocol < 30) await readInt32(source);
  return entries;
}

async function readName(
  source: ByteSource,
  { flags, protocol, before }: { flags: number; protocol: number; before: Uint8Array },
): Promise<Uint8Array<ArrayBuffer>> {
  const shared = flags & FLAG.sameName ? await readByte(source) : 0;
  const longLength = () => protocol >= 30 ? readVarint(source) : readInt32(source);
  const length = flags & FLAG.longName ? await longLength() : await readByte(source);
  if (shared > before.length || length < 0 || length > MAX_NAME_BYTES) {
    throw new WireError("a name is too long");
  }
  return Buffer.concat([before.subarray(0, shared), await source.take(length)]);
}
