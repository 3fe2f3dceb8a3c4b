import type { Database, Statement } from "./engine.ts";

/** The place of an extent. */
export interface ExtentPlace {
  readonly frame: number;
  /** Offset in the opened frame. */
  readonly at: number;
  readonly sizeBytes: number;
}

export interface StoredExtent {
  readonly sha256: Uint8Array;
  readonly at: number;
  readonly sizeBytes: number;
}

/** The extents of a lineage. An extent belongs to the first frame that contained it. */
export class Extents {
  readonly #insert: Statement;
  readonly #has: Statement;
  readonly #find: Statement;
  readonly #ofFrame: Statement;
  readonly #findPublished: Statement;

  constructor(db: Database) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS extent (
        lineage INTEGER NOT NULL, sha256 BLOB NOT NULL,
        frame INTEGER NOT NULL REFERENCES frame ON DELETE CASCADE,
        at INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
        PRIMARY KEY (lineage, sha256)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS extent_frame ON extent (frame);`);
    this.#insert = db.prepare(
      `INSERT INTO extent (lineage, sha256, frame, at, size_bytes) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    this.#has = db.prepare("SELECT 1 FROM extent WHERE lineage = ? AND sha256 = ?");
    this.#find = db.prepare(
      "SELECT frame, at, size_bytes AS sizeBytes FROM extent WHERE lineage = ? AND sha256 = ?",
    );
    this.#findPublished = db.prepare(
      `SELECT frame, extent.at AS at, extent.size_bytes AS sizeBytes
       FROM extent JOIN frame ON frame.id = frame JOIN pack ON pack.id = frame.pack
       WHERE extent.lineage = ? AND extent.sha256 = ? AND pack.sha256 IS NOT NULL`,
    );
    this.#ofFrame = db.prepare(
      "SELECT sha256, at, size_bytes AS sizeBytes FROM extent WHERE frame = ? ORDER BY at",
    );
  }

  add(lineage: number, { frame, sha256, at, sizeBytes }: StoredExtent & { frame: number }): void {
    this.#insert.run(lineage, sha256, frame, at, sizeBytes);
  }

  has(lineage: number, sha256: Uint8Array): boolean {
    return this.#has.get(lineage, sha256) !== undefined;
  }

  find(lineage: number, sha256: Uint8Array): ExtentPlace | undefined {
    return this.#find.get(lineage, sha256) as ExtentPlace | undefined;
  }

  /** Finds it only if its pack is complete, so that versions of other lineages may use it. */
  findPublished(lineage: number, sha256: Uint8Array): ExtentPlace | undefined {
    return this.#findPublished.get(lineage, sha256) as ExtentPlace | undefined;
  }

  ofFrame(frame: number): StoredExtent[] {
    return this.#ofFrame.all(frame) as unknown as StoredExtent[];
  }
}
