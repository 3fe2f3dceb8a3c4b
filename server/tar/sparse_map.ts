/**
 * Sparse files of GNU tar ("Storing Sparse Files" in its manual). Formats 0.0 and 0.1 keep the map in the extended
 * header; 1.0, the one that is written, puts it in front of the data: decimal lines, first the number of runs, then
 * offset and size of each, padded to whole blocks.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { ByteStream } from "./byte_stream.ts";
import { count } from "./pax_fields.ts";
import { PAX, type PaxRecords } from "./pax_records.ts";
import { BLOCK_BYTES, type GnuSparse, padding, parseSparseBlock, type Run } from "./ustar.ts";

/** Stored runs of one sparse file: more do not fit into the line of an entry. */
const MAX_RUNS = 1 << 20;

interface SparseFile {
  /** The file's own name, if the member's is a substitute. */
  readonly name: BytePath | undefined;
  readonly realBytes: number;
  readonly runs: readonly Run[];
}

/** The map of format 1.0, to be followed by the runs' data. */
export function encodeSparseMap(runs: readonly Run[]): Uint8Array {
  const numbers = [runs.length, ...runs.flatMap(({ offset, sizeBytes }) => [offset, sizeBytes])];
  const text = Buffer.from(numbers.map((n) => `${n}\n`).join(""));
  return Buffer.concat([text, padding(text.length)]);
}

/** The rest of an old GNU map, read from the blocks after its header. */
export async function readGnuMap(
  stream: ByteStream,
  { runs, more, realBytes }: GnuSparse,
): Promise<SparseFile> {
  const all = [...runs];
  const block = new Uint8Array(BLOCK_BYTES);
  while (more) {
    await stream.readFully(block);
    const next = parseSparseBlock(block);
    all.push(...next.runs);
    if (all.length > MAX_RUNS) throw tooManyRuns();
    more = next.more;
  }
  return { name: undefined, realBytes, runs: all };
}

/** The map that extended headers announce; that of format 1.0 is read from the stream. `end`: of the member's data. */
export async function readPaxMap(
  stream: ByteStream,
  { records, end }: { records: PaxRecords; end: number },
): Promise<SparseFile | undefined> {
  const last = new Map(records);
  const size = last.get(PAX.sparseRealSize) ?? last.get("GNU.sparse.size");
  if (size === undefined) return undefined;
  const map = last.get("GNU.sparse.map");
  const numbers = last.get(PAX.sparseMajor) === "1"
    ? await mapInData(stream, end)
    : map !== undefined
    ? map.split(",", 2 * MAX_RUNS + 1).filter((n) => n !== "").map(count)
    : records.filter(([key]) => key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes")
      .map(([, value]) => count(value));
  return { name: last.get(PAX.sparseName) as BytePath, realBytes: count(size), runs: pairs(numbers) };
}

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
  return new RangeError(`a sparse file has more than ${MAX_RUNS} runs`);
}

/** Without empty runs, and with touching runs joined. */
export function joined(runs: readonly Run[]): Run[] {
  const all: { offset: number; sizeBytes: number }[] = [];
  for (const { offset, sizeBytes } of runs) {
    const last = all.at(-1);
    if (sizeBytes === 0) continue;
    if (last && last.offset + last.sizeBytes === offset) last.sizeBytes += sizeBytes;
    else all.push({ offset, sizeBytes });
  }
  return all;
}

/** Throws RangeError unless the runs are in order, inside the file, and no more than its `dataBytes`. */
export function proveRuns(
  runs: readonly Run[],
  { sizeBytes, dataBytes }: { sizeBytes: number; dataBytes: number },
): void {
  let end = 0, sum = 0;
  for (const run of runs) {
    if (run.offset < end) throw new RangeError("a sparse map is out of order");
    end = run.offset + run.sizeBytes;
    sum += run.sizeBytes;
  }
  if (end > sizeBytes || sum > dataBytes) throw new RangeError("a sparse map reaches past its file");
}
