/**
 * What a template's agent remembers of a capture: the lines that it told the server, and of every file by which
 * signs it is known to be unchanged. Kept on the template, so it is believed no more than its checksum allows;
 * that both ends mean the same lines the server proves by their hash.
 */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { z } from "zod";
import type { BytePath } from "#contract/byte_path.ts";
import { type Entry, type HashedExtent, parseHashedEntry } from "#contract/entry.ts";
import type { EntryLine } from "#contract/entry_changes.ts";
import { sha256 } from "#contract/sha256.ts";
import { linesOf } from "#contract/lines.ts";
import { MAX_MANIFEST_BYTES } from "#contract/manifest.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import type { Amount } from "../capture_source.ts";

const FORMAT = "rackseed-capture-memory";
const HASH_BYTES = 32;
const count = z.int().min(0);
const MemoryHeader = z.object({
  format: z.literal(FORMAT),
  formatVersion: z.literal(1),
  /** The capture's id. */
  capture: z.string(),
  /** The directory that was captured. */
  root: z.string(),
  amount: z.object({ files: count, bytes: count }),
});

/** An entry as it was told. */
export interface Remembered extends EntryLine {
  /** `signsOf` the file; absent where they might not show its next change. */
  readonly signs?: string | undefined;
}

export interface Memory {
  readonly capture: string;
  readonly root: string;
  readonly amount: Amount;
  readonly entries: readonly Remembered[];
}

/**
 * What changes with everything that is done to a file, beside what its entry says: where it lies, and the time of
 * its last change, which no program can set.
 */
export function signsOf({ deviceMajor, deviceMinor, inode, ctimeSec, ctimeNs }: FileStatus): string {
  return `${deviceMajor}:${deviceMinor}:${inode}:${ctimeSec}.${ctimeNs}`;
}

/**
 *     0    SHA-256 of what follows
 *     32   zstd of lines: a header, then the entries, each with a tab and its signs behind
 */
export function encodeMemory({ entries, ...header }: Memory): Uint8Array {
  const head = JSON.stringify({ format: FORMAT, formatVersion: 1, ...header });
  const lines = entries.map(({ line, signs }) => signs === undefined ? line : `${line}\t${signs}`);
  const content = zstdCompressSync(Buffer.from([head, ...lines, ""].join("\n")));
  return Buffer.concat([sha256(content), content]);
}

export class PastCapture {
  readonly capture: string;
  readonly root: string;
  readonly amount: Amount;
  readonly lines: readonly Remembered[];
  readonly #entries = new Map<BytePath, { entry: Entry<HashedExtent>; signs: string | undefined }>();

  /** Throws (RangeError, or what zod, JSON and zlib throw) where `bytes` are not what `encodeMemory` made. */
  constructor(bytes: Uint8Array) {
    const content = bytes.subarray(HASH_BYTES);
    if (!sha256(content).equals(bytes.subarray(0, HASH_BYTES))) throw new RangeError("it is damaged");
    const text = linesOf(zstdDecompressSync(content, { maxOutputLength: MAX_MANIFEST_BYTES }));
    const header = MemoryHeader.parse(JSON.parse(text.next().value ?? ""));
    const lines: Remembered[] = [];
    for (const told of text) {
      // JSON has no tab of its own
      const [line = "", signs] = told.split("\t");
      const entry = parseHashedEntry(line);
      this.#entries.set(entry.path, { entry, signs });
      lines.push({ path: entry.path, line, signs });
    }
    this.capture = header.capture;
    this.root = header.root;
    this.amount = header.amount;
    this.lines = lines;
  }

  /** The entry of what lies at this path, where nothing has been done to it since. */
  recall(path: BytePath, status: FileStatus): Entry<HashedExtent> | undefined {
    const { entry, signs } = this.#entries.get(path) ?? {};
    if (entry === undefined || entry.type === "link" || signs !== signsOf(status)) return undefined;
    const same = entry.type === status.type && entry.mtimeSec === status.mtimeSec &&
      entry.mtimeNs === status.mtimeNs && (entry.type !== "file" || entry.sizeBytes === status.sizeBytes);
    return same ? entry : undefined;
  }
}
