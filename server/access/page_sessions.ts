/**
 * Sessions of the page. The browser holds a cookie signed with the admin token:
 *
 *     EXPIRY.ID.MAC    EXPIRY: seconds since 1970; ID: 16 random bytes; MAC: HMAC-SHA-256 of both under the
 *                      admin secret; the last two base64url
 *
 * A session is not stored, so that the operator can log in while the disk is full. It survives a restart and ends with
 * the token. Only sessions that were logged out are stored.
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
  /** By session id, for sessions that watch: aborted when the session ends. */
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

  /** Ends the session and what its pages watch. An invalid cookie is ignored. */
  end(cookie: string): void {
    const { ended, now } = this.#options;
    const session = this.#session(cookie);
    if (!session) return;
    ended.add(session.id, { expires: session.expires, nowMs: now() });
    this.#watching.get(session.id)?.abort();
    this.#watching.delete(session.id);
  }

  /** Aborted when the session ends; undefined if it has ended. */
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
