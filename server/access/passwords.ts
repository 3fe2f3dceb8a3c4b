/**
 * Passwords, kept as scrypt hashes (RFC 7914) with their parameters:
 *
 *     scrypt$LN$R$P$SALT$HASH      N = 2^LN; salt (16 bytes) and hash (32 bytes) in base64url
 */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { RackseedError } from "#contract/errors.ts";

interface Cost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 0.2 s; one of the equal choices of OWASP's Password Storage Cheat Sheet. */
const COST: Cost = { ln: 15, r: 8, p: 3 };
const HASH_BYTES = 32;
/** A hash takes memory and a thread, and strangers can ask for it. */
const MAX_RUNNING = 2;
const MAX_WAITING = 16;

export class Passwords {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    const hash = await this.#derive(password, { salt, cost: COST });
    return ["scrypt", COST.ln, COST.r, COST.p, salt.toString("base64url"), hash.toString("base64url")].join(
      "$",
    );
  }

  /**
   * Whether the password is the one of this hash. Without a hash the answer is no, after the same work, so that the
   * time does not tell whether a user exists. Throws RackseedError (503) if too many wait already.
   */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    const [, ln, r, p, salt, hash] = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/.exec(stored ?? "") ??
      [];
    const cost = hash === undefined ? COST : { ln: Number(ln), r: Number(r), p: Number(p) };
    const expected = hash === undefined ? randomBytes(HASH_BYTES) : Buffer.from(hash, "base64url");
    const derived = await this.#derive(password, {
      salt: Buffer.from(salt ?? "A".repeat(22), "base64url"),
      cost,
    });
    return derived.length === expected.length && timingSafeEqual(derived, expected) && hash !== undefined;
  }

  /** Runs off the event loop. The same characters have the same hash, however they were typed (RFC 8265 §4.2). */
  async #derive(password: string, { salt, cost }: { salt: Uint8Array; cost: Cost }): Promise<Buffer> {
    await this.#turn();
    const { ln, r, p } = cost, N = 2 ** ln;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    try {
      scrypt(
        password.normalize("NFC"),
        salt,
        HASH_BYTES,
        { N, r, p, maxmem: 256 * N * r },
        (error, key) => error ? reject(error) : resolve(key),
      );
      return await promise;
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  /** Waits for one of MAX_RUNNING places; who leaves one hands it to the next. */
  async #turn(): Promise<void> {
    if (this.#running < MAX_RUNNING) this.#running++;
    else if (this.#waiting.length >= MAX_WAITING) throw tooBusy();
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function tooBusy(): RackseedError {
  return new RackseedError("cannot check the password", {
    reason: "too many people, or a program that guesses passwords, are logging in at this moment.",
    remedy: "try again in a few seconds, or use the admin token.",
    status: 503,
  });
}
