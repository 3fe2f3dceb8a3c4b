import type { TransferTerms } from "./options.ts";
import type { TftpPacket } from "./packet.ts";
import { RoundTrip } from "./round_trip.ts";

/** What the session does next. Blocks count from 1 without wrapping; `last` is inclusive. */
export type Step =
  | { readonly kind: "send-oack" }
  | { readonly kind: "send-blocks"; readonly first: number; readonly last: number }
  | { readonly kind: "wait" }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string };

/** When a silent client counts as gone; FIRST_SILENCE_MS applies if it has never answered. */
const SILENCE_MS = 30_000;
const FIRST_SILENCE_MS = 15_000;
/** The longest transfer: a crawling client must not hold its place forever. */
const MAX_DURATION_MS = 3_600_000;
const FIRST_TIMEOUT_MS = 500;
const SLACK_MS = 4;
const WAIT: Step = { kind: "wait" };

/**
 * The sending side of one transfer, RFC 1350 §4 with the windows of RFC 7440 §4: packets and times in, steps out.
 * Times are in milliseconds of a monotonic clock.
 *
 * Only an ACK that advances has an effect. A repeated one is ignored, since answering it would double every packet
 * from then on (the Sorcerer's Apprentice bug). Lost packets are sent again after a timeout.
 */
export class Transfer {
  readonly #terms: TransferTerms;
  readonly #roundTrip: RoundTrip;
  readonly #startedMs: number;
  readonly #lastBlock: number;
  #negotiating: boolean;
  /** The last block that the client has acknowledged, and the last one sent. */
  #acked = 0;
  #sent = 0;
  #sentMs: number;
  #progressMs: number;
  /** Whether the blocks in flight were sent more than once, so that their ACK measures nothing. */
  #repeated = false;

  constructor(terms: TransferTerms, nowMs: number) {
    this.#terms = terms;
    this.#roundTrip = new RoundTrip({
      firstMs: FIRST_TIMEOUT_MS,
      slackMs: SLACK_MS,
      maxMs: terms.maxTimeoutMs,
    });
    this.#startedMs = this.#sentMs = this.#progressMs = nowMs;
    // A file that fills its blocks exactly ends with an empty block.
    this.#lastBlock = Math.floor(terms.sizeBytes / terms.blksize) + 1;
    this.#negotiating = terms.accepted !== undefined;
  }

  /** When to call `expire`, unless a packet arrives before. */
  get deadlineMs(): number {
    return this.#sentMs + this.#roundTrip.timeoutMs;
  }

  /** When the client last made progress; the start, if it never has. */
  get progressMs(): number {
    return this.#progressMs;
  }

  /** Whether the client has answered at all. A mere request may have a forged sender. */
  get isAnswered(): boolean {
    return this.#progressMs > this.#startedMs;
  }

  /** Bytes that the client has acknowledged. */
  get ackedBytes(): number {
    return Math.min(this.#acked * this.#terms.blksize, this.#terms.sizeBytes);
  }

  begin(nowMs: number): Step {
    this.#sentMs = nowMs;
    return this.#negotiating ? { kind: "send-oack" } : this.#window(nowMs);
  }

  receive(packet: TftpPacket, nowMs: number): Step {
    if (packet.kind === "error") {
      return { kind: "failed", reason: `the client reports: ${packet.message || "error"} (${packet.code})` };
    }
    if (packet.kind !== "ack") return WAIT;
    if (nowMs - this.#startedMs > MAX_DURATION_MS) return { kind: "failed", reason: "it took over an hour" };
    if (this.#negotiating) {
      if (packet.block !== 0) return WAIT;
      this.#negotiating = false;
    } else {
      const block = this.#unwrapped(packet.block);
      if (block <= this.#acked || block > this.#sent) return WAIT;
      this.#acked = block;
    }
    if (!this.#repeated) this.#roundTrip.measured(nowMs - this.#sentMs);
    this.#repeated = false;
    this.#roundTrip.progressed();
    this.#progressMs = nowMs;
    return this.#acked === this.#lastBlock ? { kind: "done" } : this.#window(nowMs);
  }

  /** Called at the deadline. */
  expire(nowMs: number): Step {
    if (nowMs < this.deadlineMs) return WAIT;
    const silenceMs = this.isAnswered ? SILENCE_MS : FIRST_SILENCE_MS;
    if (nowMs - this.#progressMs > silenceMs) {
      const at = this.#negotiating ? "the options" : `block ${this.#acked + 1} of ${this.#lastBlock}`;
      return { kind: "failed", reason: `no answer to ${at} for ${silenceMs / 1000} s` };
    }
    this.#roundTrip.expired();
    this.#repeated = true;
    if (!this.#negotiating) return this.#window(nowMs);
    this.#sentMs = nowMs;
    return { kind: "send-oack" };
  }

  #window(nowMs: number): Step {
    this.#sentMs = nowMs;
    this.#sent = Math.min(this.#acked + this.#terms.windowsize, this.#lastBlock);
    return { kind: "send-blocks", first: this.#acked + 1, last: this.#sent };
  }

  /** The first block from the last acknowledged one on with these 16 bits: numbers wrap in long files. */
  #unwrapped(block: number): number {
    return this.#acked + (block - this.#acked & 0xffff);
  }
}
