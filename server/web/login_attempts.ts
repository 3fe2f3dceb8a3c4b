/** Slows down clients that guess passwords and tokens. */
import type { Context, MiddlewareHandler } from "hono";
import { RackseedError } from "#contract/errors.ts";
import { UserName } from "#contract/api/access.ts";
import { bytesBody } from "./body.ts";
import { type ApiContext, type Env, peerAddress, principalOf, refuseForeignOrigin } from "./context.ts";

/**
 * Failures allowed before the first wait; each further one doubles the wait. A user has more than an address, so that
 * a stranger who guesses a password from everywhere delays its owner by a minute at most, and late.
 */
const FREE = { address: 5, user: 20 };
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** An address or user is forgotten after this time, or once so many others have failed since. */
const MEMORY = { ms: 10 * 60_000, keys: 1024 };
/** Enough for a form with a token of 128 characters, or two passwords. */
const MAX_FORM_BYTES = 8192;
const FORMS = ["/login", "/setup", "/account/password"];
/** Where the OpenID provider sends the browser back to: each call makes the server ask the provider. */
export const SIGN_ON_RETURN = "/oidc/callback";

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

export class LoginAttempts {
  /** By address or user, oldest failure first. */
  readonly #failures = new Map<string, Failures>();
  readonly #free: number;

  constructor({ free = FREE.address }: { free?: number } = {}) {
    this.#free = free;
  }

  /** How many addresses or users are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  /** Milliseconds until this address or user may try again. */
  waitMs(key: string, nowMs: number): number {
    const { count, lastMs } = this.#failures.get(key) ?? { count: 0, lastMs: 0 };
    if (count < this.#free) return 0;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - this.#free));
    return Math.max(0, lastMs + wait - nowMs);
  }

  failed(key: string, nowMs: number): void {
    const before = this.#failures.get(key);
    const count = before && nowMs - before.lastMs < MEMORY.ms ? before.count + 1 : 1;
    this.#failures.delete(key);
    this.#failures.set(key, { count, lastMs: nowMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MEMORY.keys && oldest !== undefined) this.#failures.delete(oldest);
  }

  /** The wait begins when the failed attempt has ended, since checking a password takes time. */
  ended(key: string, nowMs: number): void {
    const failures = this.#failures.get(key);
    if (failures) this.#failures.set(key, { count: failures.count, lastMs: nowMs });
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}

/**
 * Limits the routes that take a password, a token or a set-up code from a browser. An attempt counts as failed until it
 * has succeeded, so that many at the same time gain nothing.
 */
export function limitLogins({ now, people }: Pick<ApiContext, "now" | "people">): MiddlewareHandler<Env> {
  const addresses = new LoginAttempts(), users = new LoginAttempts({ free: FREE.user });
  return async (c, next) => {
    const isForm = c.req.method === "POST" && FORMS.includes(c.req.path);
    const isLink = c.req.path === SIGN_ON_RETURN ||
      c.req.path === "/" && c.req.query("token") !== undefined;
    if (!isForm && !isLink) return await next();
    const address = peerAddress(c);
    refuseWaiting(addresses.waitMs(address, now()));
    if (isForm) {
      c.set("form", await readForm(c));
      // before it counts: another site's page must not make its visitor wait
      refuseForeignOrigin(c);
    }
    const user = isForm ? namedUser(c, people) : undefined;
    // once more: many bodies may have been read at the same time
    refuseWaiting(addresses.waitMs(address, now()));
    if (user !== undefined) refuseWaiting(users.waitMs(user, now()));
    addresses.failed(address, now());
    if (user !== undefined) users.failed(user, now());
    await next();
    const isIn = c.get("isIn") ?? false;
    if (isIn) addresses.succeeded(address);
    else addresses.ended(address, now());
    if (user === undefined) return;
    if (isIn) users.succeeded(user);
    else users.ended(user, now());
  };
}

/** The only reader of these forms: a second one could read another user out of them. */
async function readForm(c: Context<Env>): Promise<URLSearchParams> {
  const body = await bytesBody(c.req, { maxBytes: MAX_FORM_BYTES });
  return new URLSearchParams(new TextDecoder().decode(body));
}

/** Whose password is tried: the user that the form names, or the one who is logged in. */
function namedUser(c: Context<Env>, people: ApiContext["people"]): string | undefined {
  if (c.req.path === "/account/password") return principalOf(c, people)?.user;
  const user = UserName.safeParse(c.get("form")?.get("user"));
  return user.success && !c.get("form")?.get("token") ? user.data : undefined;
}

function refuseWaiting(waitMs: number): void {
  if (waitMs <= 0) return;
  throw new RackseedError("cannot log in", {
    reason: "too many wrong passwords or tokens came from this address, or for this user.",
    remedy:
      `wait ${Math.ceil(waitMs / 1000)} s, or use the admin token from another address; it is in the file ` +
      "`token` of the server's data directory.",
    status: 429,
  });
}
