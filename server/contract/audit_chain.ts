/**
 * The hash chain of the audit log. Each line's hash covers its number, its text and the hash of the line before it:
 *
 *     hash = SHA-256(PREVIOUS "\n" NUMBER "\n" ENTRY)     PREVIOUS: hexadecimal, of line 1: 64 zeros
 *
 * A program that can write the database can also compute a new chain: compare the last number and hash with those in the
 * server's journal, or in an earlier export.
 */
import { createHash } from "node:crypto";
import type { AuditLine } from "./api/audit.ts";

export const FIRST_PREVIOUS = "0".repeat(64);

export function chainHash(previous: string, { number, entry }: Omit<AuditLine, "hash">): string {
  return createHash("sha256").update(`${previous}\n${number}\n${entry}`).digest("hex");
}

/** Where the chain must pass through: a number and hash that were noted earlier. */
export interface KnownLine {
  readonly number: number;
  readonly hash: string;
}

/**
 * Checks the lines of an audit log in their order.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const hash = chainHash(FIRST_PREVIOUS, { number: 1, entry: "{}" });
 * const chain = new AuditChain();
 * assert.equal(chain.add({ number: 1, entry: "{}", hash }), undefined);
 * assert.match(chain.add({ number: 3, entry: "{}", hash }) ?? "", /line 2 is missing/);
 * ```
 */
export class AuditChain {
  readonly #known: KnownLine | undefined;
  #last: KnownLine = { number: 0, hash: FIRST_PREVIOUS };

  constructor(known?: KnownLine) {
    this.#known = known;
  }

  /** The last line that was added; number 0 if there is none. */
  get last(): KnownLine {
    return this.#last;
  }

  /** What is wrong with this line; undefined if nothing is. */
  add({ number, entry, hash }: AuditLine): string | undefined {
    const before = this.#last;
    this.#last = { number, hash };
    if (number <= before.number) return `line ${number} is out of order: it follows line ${before.number}`;
    if (number > before.number + 1) return missing(before.number + 1, number - 1);
    if (hash !== chainHash(before.hash, { number, entry })) {
      return `line ${number} was changed, or the line before it: its hash does not fit`;
    }
    if (this.#known?.number === number && this.#known.hash !== hash) {
      return `line ${number} was changed, or a line before it: its hash is not the one that was noted`;
    }
    return undefined;
  }

  /** What is missing at the end. `written`: how many lines were ever written, as the database counts them. */
  end(written: number): string | undefined {
    const expected = Math.max(written, this.#known?.number ?? 0);
    return expected > this.#last.number ? missing(this.#last.number + 1, expected) : undefined;
  }
}

function missing(first: number, last: number): string {
  return first === last ? `line ${first} is missing` : `lines ${first} to ${last} are missing`;
}
