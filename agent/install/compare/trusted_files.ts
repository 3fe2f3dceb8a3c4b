/**
 * What is taken to be the image's without being read: inode, change time, size, owner, mode and time are as the
 * installation noted them. Whoever writes to a file or gives it another attribute changes its change time. What comes
 * about without the file system does not: so a sample of the files, drawn anew each time, is read all the same, and
 * where one of those is not as it was, all are.
 */
import type { Manifest } from "#contract/format/manifest.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import { hasAttributes } from "../extract/attribute_comparison.ts";
import { type ContentIndex, type IndexEntry, isUntouched } from "../records/content_index.ts";
import type { Contents } from "./scan_contents.ts";

/** One of so many files is read. */
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

  /** Something of its kind stands at the path of this entry. */
  see(number: number, status: FileStatus): void {
    const { manifest, index, privileged, random = Math.random } = this.#options;
    const entry = manifest.entries[number], indexed = index(number);
    if (entry === undefined || entry.type === "link") return;
    if (indexed === undefined || !isUntouched(indexed, status)) return;
    // to set an attribute would have changed the change time, so that it has still those that it was given
    if (!hasAttributes(entry, { status, xattrs: entry.xattrs, privileged })) return;
    const isFile = entry.type === "file";
    if (isFile && status.sizeBytes !== entry.sizeBytes) return;
    if (isFile && random() < 1 / SAMPLE) this.#sample.add(number);
    else this.#trusted.set(number, indexed);
  }

  has(number: number): boolean {
    return this.#trusted.has(number);
  }

  /** Whether all of the sample that is among `files` is right; `contents`: what was read of them. */
  sampleIsRight(files: readonly number[], { whole }: Contents): boolean {
    return files.every((number) => !this.#sample.has(number) || whole.has(number));
  }

  /** By entry number; `present`: 1 for those that still count. */
  among(present: Uint8Array): Map<number, IndexEntry> {
    return new Map([...this.#trusted].filter(([number]) => present[number] === 1));
  }
}

/** What was read, and with it what of `files` is trusted. */
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
