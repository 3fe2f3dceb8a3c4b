/**
 * Files that are taken to be the image's without being read: inode, change time, size, owner, mode and time are as
 * the installation noted them. Whoever writes to a file or gives it another attribute changes its change time. What
 * comes about without the file system does not: so a sample, drawn anew each time, is read all the same, and where
 * one of those is not as it was, all are.
 */
import type { Manifest } from "#contract/manifest.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import { isDressed } from "../extract/dress.ts";
import { type ContentIndex, isUntouched, type Trust } from "./content_index.ts";
import type { Contents } from "./scan_contents.ts";

/** One of so many is read. */
const SAMPLE = 25;

export interface BeliefOptions {
  readonly manifest: Manifest;
  readonly index: ContentIndex;
  readonly privileged: boolean;
  readonly random?: (() => number) | undefined;
}

export class Belief {
  readonly #options: BeliefOptions;
  readonly #believed = new Map<number, Trust>();
  readonly #sample = new Set<number>();

  constructor(options: BeliefOptions) {
    this.#options = options;
  }

  /** A file stands at the path of this entry. */
  see(number: number, status: FileStatus): void {
    const { manifest, index, privileged, random = Math.random } = this.#options;
    const entry = manifest.entries[number], trust = index(number);
    if (entry?.type !== "file" || trust === undefined || !isUntouched(trust, status)) return;
    // to set an attribute would have changed the change time, so that it has still those that it was given
    const { xattrs } = entry;
    if (status.sizeBytes !== entry.sizeBytes || !isDressed(entry, { status, xattrs, privileged })) return;
    if (random() < 1 / SAMPLE) this.#sample.add(number);
    else this.#believed.set(number, trust);
  }

  has(number: number): boolean {
    return this.#believed.has(number);
  }

  /** Whether all of the sample that is among `files` is right; `contents`: what was read of them. */
  isBorneOut(files: readonly number[], { whole }: Contents): boolean {
    return files.every((number) => !this.#sample.has(number) || whole.has(number));
  }

  /** Those of `files`. */
  among(files: readonly number[]): Map<number, Trust> {
    return new Map(files.flatMap((number) => {
      const trust = this.#believed.get(number);
      return trust ? [[number, trust]] : [];
    }));
  }
}

/** What was read, and with it what is believed. */
export function withBelieved(contents: Contents, believed: ReadonlyMap<number, Trust>): Contents {
  return {
    ...contents,
    whole: contents.whole.union(believed),
    dressed: contents.dressed.union(believed),
    sums: new Map([...contents.sums, ...[...believed].map(([n, { sum }]): [number, number] => [n, sum])]),
  };
}
