/** The members of a tar with all that headers before them say: long names, extended headers, sparse maps. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes } from "#contract/format/entry.ts";
import type { ByteStream } from "./byte_stream.ts";
import { settingsOf } from "#contract/format/inode_flags.ts";
import { BLOCK_BYTES, parseHeader, parseSparseBlock, type Run, type TarHeader, text } from "./read_header.ts";
import { count, parsePax, paxFields, type PaxRecords } from "./pax_records.ts";

export interface Member extends Attributes {
  /** As ustar's typeflag has it: "0" file, "1" hard link, "2" symlink … */
  readonly type: string;
  readonly linkPath: BytePath;
  readonly major: number;
  readonly minor: number;
  readonly sizeBytes: number;
  /** What is stored of it, in order: the data that follows in the stream. */
  readonly runs: readonly Run[];
}

/** Extended headers and long names larger than this are not believed, nor are global ones that are so together. */
const MAX_EXTRA_BYTES = 16 << 20;
/** Stored parts of one sparse file: more do not fit into the line of an entry. */
const MAX_RUNS = 1 << 20;

/**
 * Calls `take` for every member, which may read the member's data (all runs, back to back) from the stream and
 * need not. Throws RangeError.
 */
export async function readMembers(
  stream: ByteStream,
  { take, note }: { take: (member: Member) => Promise<void>; note: (text: string) => void },
): Promise<void> {
  const block = new Uint8Array(BLOCK_BYTES);
  let global: PaxRecords = [], local: PaxRecords = [];
  let globalBytes = 0;
  let longName: BytePath | undefined, longLink: BytePath | undefined;
  while (true) {
    await stream.readFully(block);
    const header = parseHeader(block);
    if (header === undefined) return;
    switch (header.type) {
      case "x":
        local = parsePax(await extra(stream, header));
        continue;
      case "g":
        globalBytes += header.sizeBytes;
        if (globalBytes > MAX_EXTRA_BYTES) throw new RangeError("global headers are too large");
        global = [...global, ...parsePax(await extra(stream, header))];
        continue;
      case "L":
        longName = longText(await extra(stream, header));
        continue;
      case "K":
        longLink = longText(await extra(stream, header));
        continue;
    }
    const records = [...global, ...local];
    const named = { ...header, name: longName ?? header.name, linkName: longLink ?? header.linkName };
    const { member, dataEnd } = await memberOf(stream, { header: named, records, note });
    await take(member);
    // what `take` has not read, and the padding
    await stream.skip(dataEnd - stream.consumed);
    local = [];
    longName = longLink = undefined;
  }
}

async function memberOf(
  stream: ByteStream,
  { header, records, note }: { header: TarHeader; records: PaxRecords; note: (text: string) => void },
): Promise<{ member: Member; dataEnd: number }> {
  const runs = [...header.sparse?.runs ?? []];
  for (let more = header.sparse?.more; more;) {
    const block = new Uint8Array(BLOCK_BYTES);
    await stream.readFully(block);
    const next = parseSparseBlock(block);
    runs.push(...next.runs);
    if (runs.length > MAX_RUNS) throw tooManyRuns();
    more = next.more;
  }
  const fields = paxFields(records, note);
  const storedBytes = fields.sizeBytes ?? header.sizeBytes;
  const start = stream.consumed;
  const sparse = header.sparse
    ? { name: undefined, realBytes: header.sparse.realBytes, runs }
    : await paxSparse(stream, { records, end: start + storedBytes });
  const inode = settingsOf(fields.inode);
  const member: Member = {
    type: header.type,
    path: (sparse?.name ?? fields.path ?? header.name) as BytePath,
    linkPath: (fields.linkPath ?? header.linkName) as BytePath,
    mode: header.mode,
    uid: fields.uid ?? header.uid,
    gid: fields.gid ?? header.gid,
    ...(fields.mtime ?? { mtimeSec: header.mtimeSec, mtimeNs: 0 }),
    xattrs: [...fields.xattrs].sort(([a], [b]) => a < b ? -1 : 1),
    ...(inode && { inode }),
    major: header.major,
    minor: header.minor,
    sizeBytes: sparse?.realBytes ?? storedBytes,
    runs: stored(sparse?.runs ?? [{ offset: 0, sizeBytes: storedBytes }]),
  };
  proveRuns(member, start + storedBytes - stream.consumed);
  return { member, dataEnd: start + padded(storedBytes) };
}

/** GNU's sparse formats 0.0, 0.1 and 1.0 in extended headers (GNU tar manual, "Storing Sparse Files"). */
async function paxSparse(
  stream: ByteStream,
  { records, end }: { records: PaxRecords; end: number },
): Promise<{ name: string | undefined; realBytes: number; runs: Run[] } | undefined> {
  const all = new Map(records);
  const size = all.get("GNU.sparse.realsize") ?? all.get("GNU.sparse.size");
  if (size === undefined) return undefined;
  const map = all.get("GNU.sparse.map");
  const numbers = all.get("GNU.sparse.major") === "1"
    ? await mapInData(stream, end)
    : map !== undefined
    ? map.split(",", 2 * MAX_RUNS + 1).filter((n) => n !== "").map(count)
    : records.filter(([key]) => key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes")
      .map(([, value]) => count(value));
  return { name: all.get("GNU.sparse.name"), realBytes: count(size), runs: pairs(numbers) };
}

/** Format 1.0: decimal lines, a count and then pairs, at the front of the data and padded to whole blocks. */
async function mapInData(stream: ByteStream, end: number): Promise<number[]> {
  const lines: string[] = [];
  let rest = "";
  const block = new Uint8Array(BLOCK_BYTES);
  while (lines[0] === undefined || lines.length < 1 + 2 * count(lines[0])) {
    if (rest.length > BLOCK_BYTES) throw new RangeError("a sparse map is malformed");
    if (lines.length > 2 * MAX_RUNS) throw tooManyRuns();
    if (stream.consumed + BLOCK_BYTES > end) throw new RangeError("a sparse map reaches past its file");
    await stream.readFully(block);
    const parts = (rest + Buffer.from(block).toString("latin1")).split("\n");
    rest = parts.pop() as string;
    lines.push(...parts);
  }
  return lines.slice(1, 1 + 2 * count(lines[0])).map(count);
}

function pairs(numbers: readonly number[]): Run[] {
  if (numbers.length % 2 !== 0) throw new RangeError("a sparse map is malformed");
  if (numbers.length > 2 * MAX_RUNS) throw tooManyRuns();
  return Array.from(
    { length: numbers.length / 2 },
    (_, i) => ({ offset: numbers[2 * i] as number, sizeBytes: numbers[2 * i + 1] as number }),
  );
}

function tooManyRuns(): RangeError {
  return new RangeError(`a sparse file of more than ${MAX_RUNS} parts`);
}

/** Without empty runs, and with runs that touch as one. */
function stored(runs: readonly Run[]): Run[] {
  const joined: { offset: number; sizeBytes: number }[] = [];
  for (const { offset, sizeBytes } of runs) {
    const last = joined.at(-1);
    if (sizeBytes === 0) continue;
    if (last && last.offset + last.sizeBytes === offset) last.sizeBytes += sizeBytes;
    else joined.push({ offset, sizeBytes });
  }
  return joined;
}

function proveRuns({ runs, sizeBytes }: Member, dataBytes: number): void {
  let end = 0, sum = 0;
  for (const run of runs) {
    if (run.offset < end) throw new RangeError("a sparse map is out of order");
    end = run.offset + run.sizeBytes;
    sum += run.sizeBytes;
  }
  if (end > sizeBytes || sum > dataBytes) throw new RangeError("a sparse map reaches past its file");
}

async function extra(stream: ByteStream, { sizeBytes }: TarHeader): Promise<Uint8Array> {
  if (sizeBytes > MAX_EXTRA_BYTES) throw new RangeError("an extended header is too large");
  const data = new Uint8Array(padded(sizeBytes));
  await stream.readFully(data);
  return data.subarray(0, sizeBytes);
}

function longText(data: Uint8Array): BytePath {
  return text(data, 0, data.length);
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}
