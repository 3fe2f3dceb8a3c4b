/**
 * What a template's agent remembers of a capture: the lines that it told the server, and of every file by which
 * signs it is known to be unchanged. Kept on the template, so it is believed no more than its checksum allows;
 * that both ends mean the same lines the server proves by their hash.
 */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { z } from "zod";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { EntryLine } from "#contract/format/entry_changes.ts";
import { sha256 } from "#native/sha256.ts";
import { linesOf } from "#contract/format/lines.ts";
import { MAX_MANIFEST_BYTES } from "#contract/format/manifest.ts";
import { SHA256_BYTES } from "#contract/format/sha256.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import type { Amount } from "./amount.ts";

const FORMAT = "rackseed-capture-memory";
const FORMAT_VERSION = 3;
const count = z.int().min(0);
const MemoryHeader = z.object({
  format: z.literal(FORMAT),
  /** 2: of before inode flags and project ids were captured. */
  formatVersion: z.union([z.literal(2), z.literal(FORMAT_VERSION)]),
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
 * What a file is, and what changes with everything that is done to it: where it lies, and the time of its last
 * change, which no program can set.
 */
export function signsOf(status: FileStatus): string {
  const { type, sizeBytes, mtimeSec, mtimeNs, deviceMajor, deviceMinor, inode, ctimeSec, ctimeNs } = status;
  return `${type} ${sizeBytes} ${mtimeSec}.${mtimeNs} ${deviceMajor}:${deviceMinor}:${inode} ${ctimeSec}.${ctimeNs}`;
}

/**
 *     0    SHA-256 of what follows
 *     32   zstd of lines: a header, then for each entry its path as JSON, its line and its signs, between tabs
 */
export function encodeMemory({ entries, ...header }: Memory): Uint8Array {
  const head = JSON.stringify({ format: FORMAT, formatVersion: FORMAT_VERSION, ...header });
  // JSON has no tab and no end of line of its own
  const lines = entries.map(({ path, line, signs = "" }) => `${JSON.stringify(path)}\t${line}\t${signs}`);
  const content = zstdCompressSync(Buffer.from([head, ...lines, ""].join("\n")));
  return Buffer.concat([sha256(content), content]);
}

export class PastCapture {
  readonly capture: string;
  readonly root: string;
  readonly amount: Amount;
  readonly lines: readonly Remembered[];
  /** Whether its lines have the inode flags that the files had. */
  readonly knowsInodeFlags: boolean;
  readonly #byPath = new Map<BytePath, Remembered>();

  /** Throws (RangeError, or what zod, JSON and zlib throw) where `bytes` are not what `encodeMemory` made. */
  constructor(bytes: Uint8Array) {
    const content = bytes.subarray(SHA256_BYTES);
    if (!sha256(content).equals(bytes.subarray(0, SHA256_BYTES))) throw new RangeError("it is damaged");
    const told = linesOf(zstdDecompressSync(content, { maxOutputLength: MAX_MANIFEST_BYTES }));
    const header = MemoryHeader.parse(JSON.parse(told.next().value ?? ""));
    const lines: Remembered[] = [];
    for (const text of told) {
      // not looked into: it is what this agent wrote, or its checksum would not be right
      const [path = "", line = "", signs] = text.split("\t");
      const remembered = { path: JSON.parse(path) as BytePath, line, signs: signs || undefined };
      this.#byPath.set(remembered.path, remembered);
      lines.push(remembered);
    }
    this.capture = header.capture;
    this.root = header.root;
    this.amount = header.amount;
    this.knowsInodeFlags = header.formatVersion >= FORMAT_VERSION;
    this.lines = lines;
  }

  /** The entry of what lies at this path, where nothing has been done to it since. */
  recall(path: BytePath, status: FileStatus): Remembered | undefined {
    const remembered = this.#byPath.get(path);
    return remembered?.signs === signsOf(status) ? remembered : undefined;
  }
}
