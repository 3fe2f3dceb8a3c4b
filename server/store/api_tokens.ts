/** Personal tokens of users. Only their SHA-256 is stored. */
import { randomBytes } from "node:crypto";
import type { Database } from "./engine.ts";
import type { Role, TokenView } from "#contract/api/access.ts";
import { RackseedError } from "#contract/errors.ts";
import { isDiskFull } from "./store_error.ts";
import { tokenHash } from "./token_hash.ts";

/** Interval at which a token's last use is stored. */
const USED_EVERY_MS = 60_000;
/** A program that makes tokens in a loop must not fill the disk. */
const MAX_PER_USER = 100;

interface Row {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly role: Role;
  readonly created: string;
  readonly expires: number;
  readonly used: number | null;
}

const COLUMNS = "id, user, name, role, created, expires, used";

export class ApiTokens {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS api_tokens (
      id TEXT PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, hash BLOB NOT NULL UNIQUE,
      created TEXT NOT NULL, expires INTEGER NOT NULL, used INTEGER, UNIQUE (user, name)
    ) STRICT`);
  }

  /** By user and name; expired ones are among them until the next one of that user is made. */
  list(): TokenView[] {
    const rows = this.#db.prepare(`SELECT ${COLUMNS} FROM api_tokens ORDER BY user, name`).all();
    return (rows as unknown as Row[]).map(viewOf);
  }

  /** The token with this secret, and notes its use; undefined if there is none, or it has expired. */
  use(secret: string): TokenView | undefined {
    const nowMs = this.#now();
    const row = this.#db.prepare(`SELECT ${COLUMNS} FROM api_tokens WHERE hash = ? AND expires > ?`)
      .get(tokenHash(secret), nowMs) as unknown as Row | undefined;
    if (!row) return undefined;
    if (row.used === null || nowMs - row.used >= USED_EVERY_MS) this.#noteUse(row.id, nowMs);
    return viewOf(row);
  }

  /** Returns the secret too. Throws RackseedError (409) if the user has one of that name. */
  add(
    { user, name, role, expiresMs }: { user: string; name: string; role: Role; expiresMs: number },
  ): { view: TokenView; secret: string } {
    const nowMs = this.#now();
    this.#db.prepare("DELETE FROM api_tokens WHERE user = ? AND expires <= ?").run(user, nowMs);
    const others = this.list().filter((token) => token.user === user);
    if (others.some((token) => token.name === name) || others.length >= MAX_PER_USER) {
      throw new RackseedError(`cannot make the token ${name} for ${user}`, {
        reason: others.length >= MAX_PER_USER
          ? `${user} has ${others.length} tokens already.`
          : "there is one of that name already.",
        remedy: "choose another name, or revoke one first: rackseed token revoke",
        status: 409,
      });
    }
    const secret = randomBytes(32).toString("base64url"), id = randomBytes(8).toString("hex");
    const created = new Date(nowMs).toISOString();
    this.#db.prepare(
      "INSERT INTO api_tokens (id, user, name, role, hash, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ).run(id, user, name, role, tokenHash(secret), created, expiresMs);
    return { view: viewOf({ id, user, name, role, created, expires: expiresMs, used: null }), secret };
  }

  revoke(id: string): void {
    this.#db.prepare("DELETE FROM api_tokens WHERE id = ?").run(id);
  }

  revokeAll(user: string): void {
    this.#db.prepare("DELETE FROM api_tokens WHERE user = ?").run(user);
  }

  /** A full disk must not keep a token from working. */
  #noteUse(id: string, nowMs: number): void {
    try {
      this.#db.prepare("UPDATE api_tokens SET used = ? WHERE id = ?").run(nowMs, id);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }
}

function viewOf({ id, user, name, role, created, expires, used }: Row): TokenView {
  return {
    id,
    user,
    name,
    role,
    created,
    expires: new Date(expires).toISOString(),
    ...(used !== null && { lastUsed: new Date(used).toISOString() }),
  };
}
