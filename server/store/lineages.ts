import { randomBytes } from "node:crypto";
import type { Database, Statement } from "./engine.ts";
import { RackseedError } from "#contract/errors.ts";
import { SEALED_KEY_BYTES } from "#contract/format/sealed.ts";
import { transaction } from "./database.ts";

/**
 * An image's line of versions. They share a key, and therefore frames and packs. A node's backups are a lineage of their
 * own, which also uses the packs of the node's image.
 */
export interface Lineage {
  readonly id: number;
  readonly image: string;
  /** Opens and seals the frames and manifests of all its versions. */
  readonly key: Uint8Array;
  /** Name of the node whose backups these are. */
  readonly backupOf?: string;
  /** SPKI PEM of the upstream's key that signs its versions: they are the upstream's, and only mirrored here. */
  readonly publicKey?: string;
}

export class Lineages {
  readonly #find: Statement;
  readonly #get: Statement;
  readonly #insert: Statement;
  readonly #lastVersion: Statement;
  readonly #raiseLastVersion: Statement;
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS lineage (
      id INTEGER PRIMARY KEY AUTOINCREMENT, image TEXT NOT NULL UNIQUE, key BLOB NOT NULL,
      last_version INTEGER NOT NULL DEFAULT 0
    ) STRICT`);
    db.exec(`CREATE TABLE IF NOT EXISTS backup_lineage (
      lineage INTEGER PRIMARY KEY REFERENCES lineage ON DELETE CASCADE, node TEXT NOT NULL
    ) STRICT`);
    db.exec(`CREATE TABLE IF NOT EXISTS mirrored_lineage (
      lineage INTEGER PRIMARY KEY REFERENCES lineage ON DELETE CASCADE, public_key TEXT NOT NULL
    ) STRICT`);
    const select = `SELECT id, image, key, node AS backupOf, public_key AS publicKey
      FROM lineage LEFT JOIN backup_lineage ON backup_lineage.lineage = id
        LEFT JOIN mirrored_lineage ON mirrored_lineage.lineage = id`;
    this.#find = db.prepare(`${select} WHERE image = ?`);
    this.#get = db.prepare(`${select} WHERE id = ?`);
    this.#lastVersion = db.prepare("SELECT last_version AS version FROM lineage WHERE id = ?");
    this.#raiseLastVersion = db.prepare(
      "UPDATE lineage SET last_version = ?1 WHERE id = ?2 AND last_version < ?1",
    );
    this.#insert = db.prepare("INSERT INTO lineage (image, key) VALUES (?, ?) RETURNING id");
  }

  find(image: string): Lineage | undefined {
    return lineageOf(this.#find.get(image));
  }

  get(id: number): Lineage | undefined {
    return lineageOf(this.#get.get(id));
  }

  /** `backupOf` and `key` apply only to a new lineage. */
  findOrMake(
    image: string,
    { backupOf, key = randomBytes(SEALED_KEY_BYTES) }: {
      backupOf?: string | undefined;
      key?: Uint8Array | undefined;
    } = {},
  ): Lineage {
    const found = this.find(image);
    if (found) return found;
    return transaction(this.#db, () => {
      const id = Number(this.#insert.get(image, key)?.id);
      if (backupOf === undefined) return { id, image, key };
      this.#db.prepare("INSERT INTO backup_lineage VALUES (?, ?)").run(id, backupOf);
      return { id, image, key, backupOf };
    });
  }

  /**
   * The lineage of an image that is mirrored from the upstream. Throws RackseedError (409) if there is an image of that
   * name which is not the upstream's, or was signed or sealed with other keys.
   */
  mirrored(image: string, { key, publicKey }: { key: Uint8Array; publicKey: string }): Lineage {
    const found = this.find(image);
    if (found) {
      if (found.publicKey === publicKey && Buffer.compare(found.key, key) === 0) return found;
      throw new RackseedError(`cannot mirror ${image}`, {
        reason: found.publicKey === undefined
          ? "this server has an image of its own by that name."
          : "the upstream's keys for it have changed.",
        remedy: `delete the image here, if nothing needs it: rackseed image delete ${image}`,
        status: 409,
      });
    }
    return transaction(this.#db, () => {
      const id = Number(this.#insert.get(image, key)?.id);
      this.#db.prepare("INSERT INTO mirrored_lineage VALUES (?, ?)").run(id, publicKey);
      return { id, image, key, publicKey };
    });
  }

  /** The highest version number ever used; 0 if there was none. */
  lastVersion(id: number): number {
    return (this.#lastVersion.get(id) as { version: number } | undefined)?.version ?? 0;
  }

  /** A version from another server may be older than those that are here. */
  raiseLastVersion(id: number, version: number): void {
    this.#raiseLastVersion.run(version, id);
  }

  /** Deletes lineages whose keys open nothing any more, except those in `held` (ids by image). */
  deleteUnused(held: ReadonlyMap<string, number>): void {
    const unused = this.#db.prepare(`SELECT id FROM lineage WHERE
      NOT EXISTS (SELECT 1 FROM version WHERE version.lineage = lineage.id) AND
      NOT EXISTS (SELECT 1 FROM pack WHERE pack.lineage = lineage.id)`).all() as unknown as { id: number }[];
    const kept = new Set(held.values());
    const remove = this.#db.prepare("DELETE FROM lineage WHERE id = ?");
    for (const { id } of unused) if (!kept.has(id)) remove.run(id);
  }
}

function lineageOf(row: unknown): Lineage | undefined {
  if (row === undefined) return undefined;
  const { backupOf, publicKey, ...lineage } = row as Lineage & {
    backupOf: string | null;
    publicKey: string | null;
  };
  return { ...lineage, ...(backupOf !== null && { backupOf }), ...(publicKey !== null && { publicKey }) };
}
