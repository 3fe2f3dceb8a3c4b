/** The standbys of this server: their one-time tokens and secrets, as hashes, and where each was last. */
import { randomBytes } from "node:crypto";
import type { Database } from "./engine.ts";
import { RackseedError } from "#contract/errors.ts";
import { tokenHash } from "./token_hash.ts";

const TOKEN_MS = 3600_000;
const MAX_STANDBYS = 8;

interface StandbyRecord {
  readonly name: string;
  /** "https://10.0.0.2:8443"; null until it has followed. */
  readonly url: string | null;
  readonly added: string;
  readonly isEnrolled: boolean;
}

export class Standbys {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS standby (
      name TEXT PRIMARY KEY, token BLOB UNIQUE, expires INTEGER, secret BLOB UNIQUE, url TEXT, added TEXT NOT NULL
    ) STRICT`);
  }

  list(): StandbyRecord[] {
    const rows = this.#db.prepare(
      "SELECT name, url, added, secret IS NOT NULL AS enrolled FROM standby ORDER BY name",
    ).all() as unknown as (Omit<StandbyRecord, "isEnrolled"> & { enrolled: number })[];
    return rows.map(({ enrolled, ...row }) => ({ ...row, isEnrolled: enrolled === 1 }));
  }

  /** A token for one enrolment, good for an hour. One that the name has already may enrol again. */
  add(name: string): { secret: string; expires: string } {
    const others = this.list().filter((standby) => standby.name !== name);
    if (others.length >= MAX_STANDBYS) {
      throw new RackseedError(`cannot add the standby ${name}`, {
        reason: `there are ${others.length} already.`,
        remedy: "remove one: rackseed server standby remove NAME",
        status: 409,
      });
    }
    const secret = randomBytes(32).toString("base64url"), expiresMs = this.#now() + TOKEN_MS;
    this.#db.prepare(
      `INSERT INTO standby (name, token, expires, added) VALUES (:name, :token, :expires, :added)
       ON CONFLICT (name) DO UPDATE SET token = :token, expires = :expires`,
    ).run({ name, token: tokenHash(secret), expires: expiresMs, added: this.#time() });
    return { secret, expires: new Date(expiresMs).toISOString() };
  }

  /** Uses the token up. Throws RackseedError (401) if it is unknown, used or too old. */
  enrol(token: string): { name: string; secret: string } {
    const secret = randomBytes(32).toString("base64url");
    const row = this.#db.prepare(
      `UPDATE standby SET token = NULL, expires = NULL, secret = ?, url = NULL WHERE token = ? AND expires > ?
       RETURNING name`,
    ).get(tokenHash(secret), tokenHash(token), this.#now()) as { name: string } | undefined;
    if (row) return { name: row.name, secret };
    throw new RackseedError("cannot enrol this standby", {
      reason: "its token is unknown, used up or expired.",
      remedy: "make another on the server: rackseed server standby add NAME",
      status: 401,
    });
  }

  /** The name of the standby with this secret. Throws RackseedError (401). */
  named(secret: string): string {
    const row = this.#db.prepare("SELECT name FROM standby WHERE secret = ?").get(tokenHash(secret));
    if (row) return (row as { name: string }).name;
    throw new RackseedError("cannot accept this request", {
      reason: "it is not from a standby of this server.",
      remedy: "let the standby enrol again: rackseed server standby add NAME",
      status: 401,
    });
  }

  noteUrl(name: string, url: string): void {
    this.#db.prepare("UPDATE standby SET url = :url WHERE name = :name AND url IS DISTINCT FROM :url").run({
      name,
      url,
    });
  }

  /** Returns whether there was one. */
  remove(name: string): boolean {
    return this.#db.prepare("DELETE FROM standby WHERE name = ?").run(name).changes > 0;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
