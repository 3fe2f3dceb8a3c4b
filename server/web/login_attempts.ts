/** Slows down clients that guess tokens at the page's login. */
import type { MiddlewareHandler } from "hono";
import { RackseedError } from "#contract/errors.ts";
import { bytesBody } from "./body.ts";
import { type Env, peerAddress } from "./context.ts";

/** Wrong tokens allowed before the first wait; each further one doubles the wait. */
const FREE = 5;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** An address is forgotten after this time, or once this many other addresses have failed since. */
const MEMORY = { ms: 10 * 60_000, addresses: 1024 };
/** Enough for a form with a token of 128 characters. */
const MAX_FORM_BYTES = 4096;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

export class LoginAttempts {
  /** By address, oldest failure first. */
  readonly #failures = new Map<string, Failures>();

  /** How many addresses are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  /** Milliseconds until this address may try again. */
  waitMs(address: string, nowMs: number): number {
    const { count, lastMs } = this.#failures.get(address) ?? { count: 0, lastMs: 0 };
    if (count < FREE) return 0;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - FREE));
    return Math.max(0, lastMs + wait - nowMs);
  }

  failed(address: string, nowMs: number): void {
    const before = this.#failures.get(address);
    const count = before && nowMs - before.lastMs < MEMORY.ms ? before.count + 1 : 1;
    this.#failures.delete(address);
    this.#failures.set(address, { count, lastMs: nowMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MEMORY.addresses && oldest !== undefined) this.#failures.delete(oldest);
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}

/** Limits the two routes that take a token from a browser: POST /login and /?token=…. */
export function limitLogins(
  { now }: { now: () => number },
  attempts: LoginAttempts = new LoginAttempts(),
): MiddlewareHandler<Env> {
  return async (c, next) => {
    const isForm = c.req.method === "POST" && c.req.path === "/login";
    const isLink = c.req.path === "/" && c.req.query("token") !== undefined;
    if (!isForm && !isLink) return await next();
    const address = peerAddress(c);
    const waitMs = attempts.waitMs(address, now());
    if (waitMs > 0) throw tooMany(waitMs);
    if (isForm) {
      const body = await bytesBody(c.req, { maxBytes: MAX_FORM_BYTES });
      const { url, method, headers } = c.req.raw;
      c.req.raw = new Request(url, { method, headers, body });
    }
    await next();
    if (c.res.status === 401) attempts.failed(address, now());
    else if (c.res.status === 303) attempts.succeeded(address);
  };
}

function tooMany(waitMs: number): RackseedError {
  return new RackseedError("cannot log in", {
    reason: "too many wrong tokens came from this address.",
    remedy: `wait ${Math.ceil(waitMs / 1000)} s; the token is in the file \`token\` of the data directory.`,
    status: 429,
  });
}
