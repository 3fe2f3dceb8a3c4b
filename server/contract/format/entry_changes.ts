/**
 * A list of entries as its differences from another one, its parent; both are in manifest order:
 *
 *     {"keep":N}    the parent's next N entries follow
 *     {"drop":N}    the parent's next N entries do not
 *     {"type":…}    this entry follows (entry.ts)
 *
 * Whatever remains of the parent at the end is dropped too.
 */
import { type BytePath, comparePaths } from "./byte_path.ts";
import { type Entry, formatHashedEntry, type HashedExtent, parseHashedEntry } from "./entry.ts";

export interface EntryLine {
  readonly path: BytePath;
  /** From `formatHashedEntry`. */
  readonly line: string;
}

export function entryLine(entry: Entry<HashedExtent>): EntryLine {
  return { path: entry.path, line: formatHashedEntry(entry) };
}

/** The sender's half: takes entries one by one and returns the lines to send. */
export class EntryChanges {
  readonly #parent: readonly EntryLine[];
  #next = 0;
  #kept = 0;

  constructor(parent: readonly EntryLine[]) {
    this.#parent = parent;
  }

  /** Returns lines to send, usually none. */
  add({ path, line }: EntryLine): string[] {
    const from = this.#next;
    while (comparePaths(this.#parent[this.#next]?.path ?? path, path) < 0) this.#next++;
    const same = this.#parent[this.#next];
    const isThere = same?.path === path;
    if (isThere && same.line === line && from === this.#next) {
      this.#next++;
      this.#kept++;
      return [];
    }
    const lines = this.end();
    if (isThere) this.#next++;
    const kept = isThere && same.line === line;
    const dropped = this.#next - from - (kept ? 1 : 0);
    if (dropped > 0) lines.push(`{"drop":${dropped}}`);
    if (kept) this.#kept++;
    else lines.push(line);
    return lines;
  }

  /** Entries that were added and are in no line yet. */
  get pending(): number {
    return this.#kept;
  }

  /** The remaining lines for the entries added so far. */
  end(): string[] {
    const kept = this.#kept;
    this.#kept = 0;
    return kept === 0 ? [] : [`{"keep":${kept}}`];
  }
}

const CHANGE = /^\{"(keep|drop)":([1-9]\d{0,9})\}$/;

/** The receiver's half: turns lines into entries again. */
export class EntryPatch {
  readonly #open: () => Iterable<Entry<HashedExtent>>;
  #parent: Iterator<Entry<HashedExtent>> | undefined;

  /** `parent` is called when a line first refers to it. */
  constructor(parent: () => Iterable<Entry<HashedExtent>>) {
    this.#open = parent;
  }

  /** Whether a line referred to the parent. */
  get used(): boolean {
    return this.#parent !== undefined;
  }

  /**
   * The entries that the line stands for. `isKept`: the parent has the same. Throws (RangeError, SyntaxError) if the
   * line is malformed or reaches past the parent's end.
   */
  *apply(line: string): Generator<{ entry: Entry<HashedExtent>; line: string; isKept: boolean }> {
    const [, what, count] = CHANGE.exec(line) ?? [];
    if (what === undefined) return yield { entry: parseHashedEntry(line), line, isKept: false };
    const parent = this.#parent ??= this.#open()[Symbol.iterator]();
    for (let left = Number(count); left > 0; left--) {
      const { value: entry, done } = parent.next();
      if (done) throw new RangeError("the parent has fewer entries");
      if (what === "keep") yield { entry, line: formatHashedEntry(entry), isKept: true };
    }
  }
}
