/**
 * A list of entries told as what has changed since another one, its parent, both in the order of a manifest:
 *
 *     {"keep":N}    the parent's next N entries follow
 *     {"drop":N}    the parent's next N entries do not
 *     {"type":…}    this entry follows (entry.ts)
 *
 * What is left of the parent at the end does not follow either.
 */
import { type BytePath, comparePaths } from "./byte_path.ts";
import { type Entry, formatHashedEntry, type HashedExtent, parseHashedEntry } from "./entry.ts";

export interface EntryLine {
  readonly path: BytePath;
  /** As `formatHashedEntry` writes it. */
  readonly line: string;
}

export function entryLine(entry: Entry<HashedExtent>): EntryLine {
  return { path: entry.path, line: formatHashedEntry(entry) };
}

/** The sender's half: takes the entries one by one and gives the lines that tell them. */
export class EntryChanges {
  readonly #parent: readonly EntryLine[];
  #next = 0;
  #kept = 0;

  constructor(parent: readonly EntryLine[]) {
    this.#parent = parent;
  }

  /** Lines to be sent, mostly none. */
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

  /** How many entries were added that no line tells of yet. */
  get owed(): number {
    return this.#kept;
  }

  /** The lines that are still owed for what was added. */
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

  /** `parent` is asked for when a line refers to it. */
  constructor(parent: () => Iterable<Entry<HashedExtent>>) {
    this.#open = parent;
  }

  /** Whether a line referred to the parent. */
  get used(): boolean {
    return this.#parent !== undefined;
  }

  /**
   * What the line tells of; `isKept`: the parent has it alike. Throws (RangeError, SyntaxError) on anything that is
   * no such line, or reaches past the parent's end.
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
