/**
 * A template's cache of its last capture: the lines sent to the server, and for every file the fingerprint that shows
 * whether it has changed since. It is kept on the template and verified by its checksum; the server verifies by a hash
 * that both ends mean the same lines.
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
const CacheHeader = z.object({
  format: z.literal(FORMAT),
  /** 2: from before inode flags and project ids were captured. */
  formatVersion: z.union([z.literal(2), z.literal(FORMAT_VERSION)]),
  /** The capture's id. */
  capture: z.string(),
  /** The directory that was captured. */
  root: z.string(),
  amount: z.object({ files: count, bytes: count }),
});

/** An entry as it was sent. */
export interface CachedEntry extends EntryLine {
  /** `fingerprintOf` the file; absent if it might not show the file's next change. */
  readonly fingerprint?: string | undefined;
}

export interface CaptureCache {
  readonly capture: string;
  readonly root: string;
  readonly amount: Amount;
  readonly entries: readonly CachedEntry[];
}

/** Identifies a file and its state: its place on the disk, size and times. No program can set the ctime. */
export function fingerprintOf(status: FileStatus): string {
  const { type, sizeBytes, mtimeSec, mtimeNs, deviceMajor, deviceMinor, inode, ctimeSec, ctimeNs } = status;
  // the subvolumes of a btrfs have no device of their own: after a restart their numbers are others
  const device = deviceMajor === 0 ? "0" : `${deviceMajor}:${deviceMinor}`;
  return `${type} ${sizeBytes} ${mtimeSec}.${mtimeNs} ${device}:${inode} ${ctimeSec}.${ctimeNs}`;
}

/**
 *     0    SHA-256 of the rest
 *     32   zstd of lines: a header, then per entry its path as JSON, its line and its fingerprint, separated by tabs
 */
export function encodeCache({ entries, ...header }: CaptureCache): Uint8Array {
  const head = JSON.stringify({ format: FORMAT, formatVersion: FORMAT_VERSION, ...header });
  // JSON text contains neither tabs nor line ends
  const lines = entries.map(({ path, line, fingerprint = "" }) =>
    `${JSON.stringify(path)}\t${line}\t${fingerprint}`
  );
  const content = zstdCompressSync(Buffer.from([head, ...lines, ""].join("\n")));
  return Buffer.concat([sha256(content), content]);
}

export class PastCapture {
  readonly capture: string;
  readonly root: string;
  readonly amount: Amount;
  readonly lines: readonly CachedEntry[];
  /** Whether its lines include inode flags. */
  readonly knowsInodeFlags: boolean;
  readonly #byPath = new Map<BytePath, CachedEntry>();

  /** Throws (RangeError, or what zod, JSON and zlib throw) if `bytes` do not come from `encodeCache`. */
  constructor(bytes: Uint8Array) {
    const content = bytes.subarray(SHA256_BYTES);
    if (!sha256(content).equals(bytes.subarray(0, SHA256_BYTES))) throw new RangeError("it is damaged");
    const texts = linesOf(zstdDecompressSync(content, { maxOutputLength: MAX_MANIFEST_BYTES }));
    const header = CacheHeader.parse(JSON.parse(texts.next().value ?? ""));
    const lines: CachedEntry[] = [];
    for (const text of texts) {
      // not validated: the checksum shows that this agent wrote it
      const [path = "", line = "", fingerprint] = text.split("\t");
      const entry = { path: JSON.parse(path) as BytePath, line, fingerprint: fingerprint || undefined };
      this.#byPath.set(entry.path, entry);
      lines.push(entry);
    }
    this.capture = header.capture;
    this.root = header.root;
    this.amount = header.amount;
    this.knowsInodeFlags = header.formatVersion >= FORMAT_VERSION;
    this.lines = lines;
  }

  /** Returns the entry of this path if the file is unchanged since. */
  find(path: BytePath, status: FileStatus): CachedEntry | undefined {
    const entry = this.#byPath.get(path);
    return entry?.fingerprint === fingerprintOf(status) ? entry : undefined;
  }
}
