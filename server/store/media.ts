/** Bootable media that were made: what they boot, and by which secret machines enrol. Only its SHA-256 is stored. */
import type { Database } from "./engine.ts";
import type { MediumView } from "#contract/api/media.ts";
import { isDiskFull } from "./store_error.ts";
import { tokenHash } from "./token_hash.ts";

interface Row {
  readonly id: string;
  readonly image: string;
  readonly version: number;
  readonly kind: "packs" | "network";
  readonly created: string;
  readonly by: string;
  readonly unattended: number;
  readonly expires: number;
  readonly used: number | null;
}

const COLUMNS = "id, image, version, kind, created, by, unattended, expires, used";

interface NewMedium extends Omit<MediumView, "expires" | "lastUsed"> {
  /** Forgotten after that. */
  readonly expiresMs: number;
  /** By which machines enrol; absent: none can. */
  readonly secret?: string;
}

export class MediaTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS media (
      id TEXT PRIMARY KEY, image TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, created TEXT NOT NULL,
      by TEXT NOT NULL, unattended INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER, hash BLOB UNIQUE
    ) STRICT`);
  }

  /** Newest first, without those that have expired. */
  list(nowMs: number): MediumView[] {
    const rows = this.#db.prepare(`SELECT ${COLUMNS} FROM media WHERE expires > ? ORDER BY created DESC, id`)
      .all(nowMs);
    return (rows as unknown as Row[]).map(viewOf);
  }

  add({ id, image, version, kind, created, by, unattended, expiresMs, secret }: NewMedium, nowMs: number) {
    this.#db.prepare("DELETE FROM media WHERE expires <= ?").run(nowMs);
    this.#db.prepare(
      `INSERT INTO media (id, image, version, kind, created, by, unattended, expires, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      id,
      image,
      version,
      kind,
      created,
      by,
      Number(unattended),
      expiresMs,
      secret ? tokenHash(secret) : null,
    );
  }

  /** The medium with this secret, and notes its use; undefined if there is none, or it has expired. */
  use(secret: string, nowMs: number): MediumView | undefined {
    const row = this.#db.prepare(`SELECT ${COLUMNS} FROM media WHERE hash = ? AND expires > ?`)
      .get(tokenHash(secret), nowMs) as unknown as Row | undefined;
    if (row === undefined) return undefined;
    try {
      this.#db.prepare("UPDATE media SET used = ? WHERE id = ?").run(nowMs, row.id);
    } catch (error) {
      // a full disk must not keep a machine from booting
      if (!isDiskFull(error)) throw error;
    }
    return viewOf(row);
  }

  /** Whether there was one. */
  remove(id: string): boolean {
    return this.#db.prepare("DELETE FROM media WHERE id = ?").run(id).changes > 0;
  }
}

function viewOf({ id, image, version, kind, created, by, unattended, expires, used }: Row): MediumView {
  return {
    id,
    image,
    version,
    kind,
    created,
    by,
    unattended: unattended !== 0,
    expires: new Date(expires).toISOString(),
    ...(used !== null && { lastUsed: new Date(used).toISOString() }),
  };
}
