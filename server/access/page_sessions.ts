/**
 * Sessions of the page. The browser holds a cookie that the admin token vouches for:
 *
 *     EXPIRY.ID.MAC    EXPIRY: seconds since 1970; ID: 16 random bytes; MAC: HMAC-SHA-256 of both under the
 *                      admin secret; the last two base64url
 *
 * A session needs no row to begin, so one can log in while the disk is full; it survives a restart, and dies with the
 * token. Only what was logged out is written down.
 */
import { randomBytes } from "node:crypto";
import type { EndedSessions } from "../store/ended_sessions.ts";
import type { AdminToken } from "./admin_token.ts";

export const COOKIE = "rackseed";
export const SESSION_SECONDS = 12 * 3600;

interface Options {
  readonly admin: Pick<AdminToken, "sign" | "isSignature">;
  readonly ended: EndedSessions;
  readonly now: () => number;
}

interface Session {
  readonly id: string;
  readonly expires: number;
}

export class PageSessions {
  readonly #options: Options;
  /** Of sessions that watch, by id: aborted when they end. */
  readonly #watching = new Map<string, AbortController>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** A new session's cookie. */
  begin(): string {
    const expires = Math.floor(this.#options.now() / 1000) + SESSION_SECONDS;
    const signed = `${expires}.${randomBytes(16).toString("base64url")}`;
    return `${signed}.${this.#options.admin.sign(`page ${signed}`)}`;
  }

  isOpen(cookie: string): boolean {
    return this.#session(cookie) !== undefined;
  }

  /** Makes the cookie worthless, and ends what its pages watch. Without effect on one that is worth nothing. */
  end(cookie: string): void {
    const { ended, now } = this.#options;
    const session = this.#session(cookie);
    if (!session) return;
    ended.add(session.id, { expires: session.expires, nowMs: now() });
    this.#watching.get(session.id)?.abort();
    this.#watching.delete(session.id);
  }

  /** Aborted when the session ends; undefined if it has. */
  untilEnd(cookie: string): AbortSignal | undefined {
    const session = this.#session(cookie);
    if (!session) return undefined;
    const controller = this.#watching.get(session.id) ?? new AbortController();
    this.#watching.set(session.id, controller);
    return controller.signal;
  }

  #session(cookie: string): Session | undefined {
    const { admin, ended, now } = this.#options;
    const [, signed, expiry, id, mac] = /^((\d{1,12})\.([\w-]{22}))\.([\w-]{43})$/.exec(cookie) ?? [];
    if (signed === undefined || id === undefined || mac === undefined) return undefined;
    const expires = Number(expiry);
    if (!admin.isSignature(mac, `page ${signed}`) || expires * 1000 <= now()) return undefined;
    return ended.has(id) ? undefined : { id, expires };
  }
}
