/**
 * The answers to orders that came with an idempotency key, so that a repeated order is answered and not carried out
 * again. They are sealed with what tells two requests apart: answers hold boot tokens, requests may hold passphrases.
 */
import { getLogger } from "@logtape/logtape";
import type { Database } from "./engine.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { SecretBox } from "./secret_box.ts";
import { holdsSealed } from "./sealed_tables.ts";
import { storeError } from "./store_error.ts";

const log = getLogger(["rackseed", "store"]);
const KEPT_MS = 24 * 3_600_000;
/** Of all callers; beyond that the oldest go early. */
const MAX_KEPT = 10_000, MAX_KEPT_BYTES = 256 << 20;
const TITLE = "cannot carry out this order";

/** A key means something to the caller who chose it only. */
interface OrderKey {
  readonly who: string;
  readonly key: string;
}

interface OrderAnswer {
  readonly status: number;
  readonly body: string;
}

/** An order that is to be carried out now: end or forget it. */
interface NewOrder {
  end(answer: OrderAnswer): void;
  /** Nothing was done: the key may be used again. */
  forget(): void;
}

/** `request`: whatever differs between two requests. The answer is absent while the order is carried out. */
interface Kept {
  readonly request: string;
  readonly answer?: OrderAnswer;
}

export class OrderAnswers {
  readonly #db: Database;
  readonly #box: SecretBox;
  readonly #now: () => number;
  /** Orders that this process carries out. */
  readonly #running = new Set<string>();

  constructor(db: Database, { directory, now }: { directory: { keys: string }; now: () => number }) {
    this.#db = db;
    this.#box = new SecretBox(directory, { isUsed: () => holdsSealed(db) });
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS order_answers (
      number INTEGER PRIMARY KEY AUTOINCREMENT, who TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL,
      kept BLOB NOT NULL, UNIQUE (who, key)
    ) STRICT`);
  }

  /**
   * The answer of the same order if it came before. Throws RackseedError: 409 while it is carried out or if its outcome
   * is not known, 422 if the key came with another request, 507 if the disk is full.
   */
  begin(order: OrderKey, request: string): OrderAnswer | NewOrder {
    this.#forgetOld();
    const name = JSON.stringify([order.who, order.key]);
    const kept = this.#kept(order);
    if (kept === "unreadable") throw unknownOutcome();
    if (kept === undefined) return this.#begun(order, { name, request });
    if (kept.request !== request) throw otherRequest();
    if (kept.answer) return kept.answer;
    throw this.#running.has(name) ? stillRunning() : unknownOutcome();
  }

  #begun(order: OrderKey, { name, request }: { name: string; request: string }): NewOrder {
    try {
      this.#db.prepare("INSERT INTO order_answers (who, key, at, kept) VALUES (?, ?, ?, ?)")
        .run(order.who, order.key, this.#now(), this.#seal(order, { request }));
    } catch (error) {
      throw storeError(TITLE, error);
    }
    this.#running.add(name);
    return {
      end: (answer) => {
        this.#running.delete(name);
        try {
          this.#db.prepare("UPDATE order_answers SET kept = ? WHERE who = ? AND key = ?")
            .run(this.#seal(order, { request, answer }), order.who, order.key);
        } catch (error) {
          // the order is carried out: repeating it is refused, as its outcome is not known
          log.error("answer-not-kept", { error: messageOf(error) });
        }
      },
      forget: () => {
        this.#running.delete(name);
        this.#db.prepare("DELETE FROM order_answers WHERE who = ? AND key = ?").run(order.who, order.key);
      },
    };
  }

  #seal(order: OrderKey, kept: Kept): Uint8Array {
    return this.#box.seal(JSON.stringify(kept), purposeOf(order));
  }

  /** Unreadable: the key of the secrets was lost since. */
  #kept(order: OrderKey): Kept | "unreadable" | undefined {
    const row = this.#db.prepare("SELECT kept FROM order_answers WHERE who = ? AND key = ?")
      .get(order.who, order.key) as { kept: Uint8Array } | undefined;
    if (!row) return undefined;
    try {
      return JSON.parse(this.#box.open(row.kept, purposeOf(order)));
    } catch {
      return "unreadable";
    }
  }

  #forgetOld(): void {
    this.#db.prepare(
      `DELETE FROM order_answers WHERE at < :before OR number IN (
         SELECT number FROM (SELECT number, row_number() OVER newer AS n, sum(length(kept)) OVER newer AS bytes
           FROM order_answers WINDOW newer AS (ORDER BY number DESC)) counted
         WHERE n > ${MAX_KEPT} OR bytes > ${MAX_KEPT_BYTES})`,
    ).run({ before: this.#now() - KEPT_MS });
  }
}

function purposeOf({ who, key }: OrderKey): string[] {
  return ["order-answer", who, key];
}

function otherRequest(): RackseedError {
  return new RackseedError(TITLE, {
    reason: "its Idempotency-Key came with another request before.",
    remedy: "give every order a key of its own.",
    status: 422,
  });
}

function stillRunning(): RackseedError {
  return new RackseedError(TITLE, {
    reason: "the same order, with this Idempotency-Key, is being carried out.",
    remedy: "repeat the request in a moment, with the same key, for its answer.",
    status: 409,
  });
}

function unknownOutcome(): RackseedError {
  return new RackseedError(TITLE, {
    reason:
      "the same order, with this Idempotency-Key, was begun, and the server stopped before its end was known.",
    remedy: "see whether it was carried out (`rackseed node list`); if not, give it with another key.",
    status: 409,
  });
}
