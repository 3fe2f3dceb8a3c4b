/**
 * Decides which entries are accepted without reading them: those whose inode, change time, size, owner, mode and
 * modification time are as the installation recorded them. Every write and every new attribute changes a file's
 * change time. Damage below the file system does not; so a random sample of the files is read all the same, and if
 * one of them has changed, all files are read.
 */
import type { Manifest } from "#contract/format/manifest.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import { hasAttributes } from "../extract/attribute_comparison.ts";
import { type ContentIndex, type IndexEntry, isUntouched } from "../records/content_index.ts";
import type { Contents } from "./scan_contents.ts";

/** One in this many files is read. */
const SAMPLE = 25;

interface TrustedFilesOptions {
  readonly manifest: Manifest;
  readonly index: ContentIndex;
  readonly privileged: boolean;
  readonly random?: (() => number) | undefined;
}

export class TrustedFiles {
  readonly #options: TrustedFilesOptions;
  readonly #trusted = new Map<number, IndexEntry>();
  readonly #sample = new Set<number>();

  constructor(options: TrustedFilesOptions) {
    this.#options = options;
  }

  /** Call it for every entry at whose path something of its kind exists. */
  see(number: number, status: FileStatus): void {
    const { manifest, index, privileged, random = Math.random } = this.#options;
    const entry = manifest.entries[number], indexed = index(number);
    if (entry === undefined || entry.type === "link") return;
    if (indexed === undefined || !isUntouched(indexed, status)) return;
    // setting an attribute would have changed the change time, so the extended attributes are still the entry's
    if (!hasAttributes(entry, { status, xattrs: entry.xattrs, privileged })) return;
    const isFile = entry.type === "file";
    if (isFile && status.sizeBytes !== entry.sizeBytes) return;
    if (isFile && random() < 1 / SAMPLE) this.#sample.add(number);
    else this.#trusted.set(number, indexed);
  }

  has(number: number): boolean {
    return this.#trusted.has(number);
  }

  /** Whether all sampled files among `files` are unchanged, according to the contents that were read. */
  sampleIsRight(files: readonly number[], { whole }: Contents): boolean {
    return files.every((number) => !this.#sample.has(number) || whole.has(number));
  }

  /** By entry number, those with `present` 1. */
  among(present: Uint8Array): Map<number, IndexEntry> {
    return new Map([...this.#trusted].filter(([number]) => present[number] === 1));
  }
}

/** Adds the trusted ones of `files` to the contents that were read. */
export function withTrusted(
  contents: Contents,
  { files, trusted }: { files: readonly number[]; trusted: ReadonlyMap<number, IndexEntry> },
): Contents {
  const whole = new Set(contents.whole), exact = new Set(contents.exact), sums = new Map(contents.sums);
  for (const number of files) {
    const indexed = trusted.get(number);
    if (indexed === undefined) continue;
    whole.add(number);
    exact.add(number);
    sums.set(number, indexed.sum);
  }
  return { ...contents, whole, exact, sums };
}
