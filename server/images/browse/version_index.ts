/**
 * A version's entries in little memory: the manifest's own lines, and tables of numbers that lead to them. An entry is
 * parsed when it is asked for.
 */
import { type BytePath, comparePaths, joinPath, parentOf } from "#contract/format/byte_path.ts";
import { type Entry, type FrameExtent, parseFrameEntry } from "#contract/format/entry.ts";

/** An entry's number: its place in the manifest's order. The root is 0. */
export type EntryNumber = number;

interface IndexTables {
  /** The lines of all entries. */
  readonly text: Uint8Array;
  /** Where each entry's line begins; one more for the end. */
  readonly lines: Uint32Array;
  /** The first entry after everything below it. */
  readonly ends: Uint32Array;
  /** Sizes of all files from the beginning up to and without this entry, one more for the end. */
  readonly sizes: Float64Array;
  readonly frames: FrameTables;
}

export interface FrameTables {
  readonly packs: Uint32Array;
  readonly offsets: Float64Array;
  readonly sealedBytes: Uint32Array;
  /** The first slice of each frame; one more for the end. */
  readonly slices: Uint32Array;
  readonly sliceOffsets: Uint32Array;
  readonly sliceBytes: Uint32Array;
  /** 32 bytes for each slice. */
  readonly hashes: Uint8Array;
}

/** A part of a frame. */
interface Slice {
  readonly offset: number;
  readonly sizeBytes: number;
}

const HASH_BYTES = 32;
/** Most symlinks that one path may lead through: as many as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40;

export class VersionIndex {
  readonly #tables: IndexTables;
  readonly #text: Buffer;

  constructor(tables: IndexTables) {
    this.#tables = tables;
    const { buffer, byteOffset, length } = tables.text;
    this.#text = Buffer.from(buffer, byteOffset, length);
  }

  get size(): number {
    return this.#tables.ends.length;
  }

  get memoryBytes(): number {
    const { text, lines, ends, sizes, frames } = this.#tables;
    return [text, lines, ends, sizes, ...Object.values(frames)].reduce((sum, a) => sum + a.byteLength, 0);
  }

  /** Throws RangeError if the number is none of an entry. */
  entry(number: EntryNumber): Entry<FrameExtent> {
    return parseFrameEntry(this.#line(number));
  }

  path(number: EntryNumber): BytePath {
    const { lines } = this.#tables;
    return plainPath(this.#text, lines[number] ?? 0, lines[number + 1] ?? 0) ?? this.entry(number).path;
  }

  /** The first entry that is not below it. */
  end(number: EntryNumber): EntryNumber {
    return this.#tables.ends[number] ?? this.size;
  }

  /** Sizes of the files from one entry up to, and without, another. */
  fileBytes(from: EntryNumber, to: EntryNumber): number {
    const { sizes } = this.#tables;
    return (sizes[to] ?? 0) - (sizes[from] ?? 0);
  }

  /** Whether two entries of the same path are the same, their bytes included. False if it is not easily seen. */
  isSame(
    number: EntryNumber,
    { other, number: second }: { other: VersionIndex; number: EntryNumber },
  ): boolean {
    const mine = this.#bytes(number), its = other.#bytes(second);
    const at = mine.indexOf(EXTENTS), same = at < 0 ? mine.length : at;
    if (!mine.subarray(0, same).equals(its.subarray(0, same))) return false;
    if (at < 0) return its.length === mine.length;
    const start = at + EXTENTS.length - 1;
    if (its.indexOf(EXTENTS) !== at) return false;
    const first = extentsOf(mine.subarray(start)), rest = extentsOf(its.subarray(start));
    return first !== undefined && rest !== undefined && first.length === rest.length &&
      first.every(([offset, frame, index], i) => {
        const [at, inFrame, place] = rest[i] ?? [-1, 0, 0];
        return at === offset && this.hash(frame, index) === other.hash(inFrame, place);
      });
  }

  /** Undefined if there is no such entry. Symlinks are not followed. */
  find(path: BytePath): EntryNumber | undefined {
    let low = 0, high = this.size - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const order = comparePaths(this.path(middle), path);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** What is in a folder, in the order of names; from the entry after `after` on, if that is one of them. */
  *children(folder: EntryNumber, after?: EntryNumber): Generator<EntryNumber> {
    const end = this.end(folder);
    for (let n = after === undefined ? folder + 1 : this.end(after); n < end; n = this.end(n)) yield n;
  }

  /**
   * Follows symlinks as the machine itself would, with its own root. `isLast`: the last part of the path as well.
   * Undefined if it leads nowhere within the image.
   */
  resolve(path: BytePath, { isLast = true }: { isLast?: boolean } = {}): EntryNumber | undefined {
    const wanted = path.split("/").reverse();
    let at = "" as BytePath, links = 0;
    while (wanted.length > 0) {
      const part = wanted.pop();
      if (part === undefined || part === "" || part === ".") continue;
      if (part === "..") {
        at = parentOf(at);
        continue;
      }
      const next = joinPath(at, part as BytePath), found = this.find(next);
      if (found === undefined) return undefined;
      const entry = wanted.length > 0 || isLast ? this.entry(found) : undefined;
      if (entry?.type !== "symlink") {
        at = next;
        continue;
      }
      if (++links > MAX_LINKS) return undefined;
      if (entry.target.startsWith("/")) at = "" as BytePath;
      wanted.push(...entry.target.split("/").reverse());
    }
    return this.find(at);
  }

  /** The places of a file's bytes: throws RangeError if the frame has no such slice. */
  slice(frame: number, index: number): Slice {
    const number = this.#slice(frame, index);
    const { sliceOffsets, sliceBytes } = this.#tables.frames;
    return { offset: sliceOffsets[number] ?? 0, sizeBytes: sliceBytes[number] ?? 0 };
  }

  /** The slice's SHA-256, as a text of one character for each byte. */
  hash(frame: number, index: number): string {
    const at = this.#slice(frame, index) * HASH_BYTES;
    const { hashes } = this.#tables.frames;
    return Buffer.from(hashes.buffer, hashes.byteOffset + at, HASH_BYTES).toString("latin1");
  }

  frame(number: number): { readonly pack: number; readonly offset: number; readonly sealedBytes: number } {
    const { packs, offsets, sealedBytes } = this.#tables.frames;
    return {
      pack: packs[number] ?? 0,
      offset: offsets[number] ?? 0,
      sealedBytes: sealedBytes[number] ?? 0,
    };
  }

  #slice(frame: number, index: number): number {
    const { slices } = this.#tables.frames;
    const first = slices[frame], end = slices[frame + 1];
    if (first === undefined || end === undefined || first + index >= end) {
      throw new RangeError("a file refers to a missing extent");
    }
    return first + index;
  }

  #line(number: EntryNumber): string {
    return this.#bytes(number).toString("utf8");
  }

  #bytes(number: EntryNumber): Buffer {
    const { lines } = this.#tables;
    const start = lines[number], end = lines[number + 1];
    if (start === undefined || end === undefined) throw new RangeError(`there is no entry ${number}`);
    return this.#text.subarray(start, end);
  }
}

/** Extents are a file's last member; the name of an earlier one, or a path, cannot hold an unescaped quote. */
const EXTENTS = Buffer.from(',"extents":[');

/** Undefined if something comes after the extents. */
function extentsOf(json: Buffer): [number, number, number][] | undefined {
  try {
    // up to the closing brace and the end of the line
    return JSON.parse(json.toString("utf8", 0, json.length - 2));
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22, BACKSLASH = 0x5c;
const BEFORE_PATH = Buffer.from('","path":"');
/** Of `{"type":"directory`, the longest. */
const TYPE_BYTES = 20;

/**
 * The path of a line, if it is written there as it is: the bytes between the quotes are then the path's own. Undefined if
 * the line must be parsed for it. Five times as fast as parsing.
 */
function plainPath(text: Buffer, start: number, end: number): BytePath | undefined {
  const at = text.subarray(start, Math.min(end, start + TYPE_BYTES + BEFORE_PATH.length)).indexOf(
    BEFORE_PATH,
  );
  if (at < 0) return undefined;
  const from = start + at + BEFORE_PATH.length;
  for (let i = from; i < end; i++) {
    if (text[i] === BACKSLASH) return undefined;
    if (text[i] === QUOTE) return text.toString("latin1", from, i) as BytePath;
  }
  return undefined;
}
