/**
 * Sessions of the page. The browser holds a cookie signed with the admin token:
 *
 *     EXPIRY.ID.OWNER.MAC    EXPIRY: seconds since 1970; ID: 16 random bytes; OWNER: "NAME:GENERATION" of a user, or
 *                            nothing for the admin token; MAC: HMAC-SHA-256 of all that under the admin secret;
 *                            the last three base64url
 *
 * A session is not stored, so that a person can log in while the disk is full. It survives a restart; it ends with the
 * token that signed it, and with the user's role or password of that time. Only sessions that were logged out are
 * stored; when each was last used is in memory, and after a restart all count as used at the restart.
 */
import { randomBytes } from "node:crypto";
import type { EndedSessions } from "../store/ended_sessions.ts";
import { isDiskFull } from "../store/store_error.ts";
import type { AdminToken } from "./admin_token.ts";

/** A browser takes a cookie with this prefix from this host's HTTPS only, never from its plain HTTP (RFC 6265bis §4.1.3.2). */
export const COOKIE = "__Host-rackseed";
/** However much it is used. */
export const SESSION_SECONDS = 12 * 3600;
/** Without use; a page that only watches is not in use. */
export const IDLE_SECONDS = 3600;
/** Sessions whose last use is remembered. An older one counts as used when it began. */
const MAX_REMEMBERED = 4096;

/** Whose session it is; undefined: the holder of the admin token. */
interface Owner {
  readonly name: string;
  /** Changes with the user's role and password. */
  readonly generation: string;
}

interface Options {
  readonly admin: Pick<AdminToken, "sign" | "isSignature">;
  readonly ended: EndedSessions;
  /** Undefined if there is no such user. */
  readonly generationOf: (user: string) => string | undefined;
  readonly now: () => number;
}

interface Session {
  readonly id: string;
  readonly expires: number;
  /** The owner's name. */
  readonly user: string | undefined;
}

export class PageSessions {
  readonly #options: Options;
  readonly #startedMs: number;
  /** By session id, oldest use first. */
  readonly #usedMs = new Map<string, number>();
  /** Ids of sessions whose end could not be stored. */
  readonly #endedHere = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
    this.#startedMs = options.now();
  }

  /** A new session's cookie. */
  begin(owner: Owner | undefined): string {
    const expires = Math.floor(this.#options.now() / 1000) + SESSION_SECONDS;
    const whose = owner === undefined ? "" : encode(`${owner.name}:${owner.generation}`);
    const signed = `${expires}.${randomBytes(16).toString("base64url")}.${whose}`;
    return `${signed}.${this.#options.admin.sign(`page ${signed}`)}`;
  }

  /** The open session, or undefined. `isUse`: false if only a page that watches asks. */
  find(cookie: string, { isUse }: { isUse: boolean }): Session | undefined {
    const session = this.#session(cookie);
    if (session && isUse) this.#noteUse(session.id);
    return session;
  }

  /** An invalid cookie is ignored. On a full disk the end is only in memory. */
  end(cookie: string): void {
    const session = this.#session(cookie);
    if (!session) return;
    this.#usedMs.delete(session.id);
    try {
      this.#options.ended.add(session.id, { expires: session.expires, nowMs: this.#options.now() });
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#endedHere.add(session.id);
    }
  }

  #session(cookie: string): Session | undefined {
    const { admin, ended, generationOf, now } = this.#options;
    const [, signed, expiry, id, whose = "", mac] =
      /^((\d{1,12})\.([\w-]{22})\.([\w-]{0,160}))\.([\w-]{43})$/.exec(cookie) ?? [];
    if (signed === undefined || id === undefined || mac === undefined) return undefined;
    const expires = Number(expiry);
    if (!admin.isSignature(mac, `page ${signed}`) || expires * 1000 <= now()) return undefined;
    const [user, generation] = whose === "" ? [] : decode(whose).split(":");
    if (user !== undefined && generationOf(user) !== generation) return undefined;
    const beganMs = (expires - SESSION_SECONDS) * 1000;
    const usedMs = this.#usedMs.get(id) ?? Math.max(beganMs, this.#startedMs);
    if (usedMs + IDLE_SECONDS * 1000 <= now() || ended.has(id) || this.#endedHere.has(id)) return undefined;
    return { id, expires, user };
  }

  #noteUse(id: string): void {
    this.#usedMs.delete(id);
    this.#usedMs.set(id, this.#options.now());
    const [oldest] = this.#usedMs.keys();
    if (this.#usedMs.size > MAX_REMEMBERED && oldest !== undefined) this.#usedMs.delete(oldest);
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function decode(text: string): string {
  return Buffer.from(text, "base64url").toString();
}
