import type { Database, Statement } from "./engine.ts";

export interface Pack {
  readonly id: number;
  readonly lineage: number;
  /** Hexadecimal once the pack is complete; null while it is a part that may grow. */
  readonly sha256: string | null;
  /** For a part: the end of its last registered frame; bytes beyond it do not count. */
  readonly sizeBytes: number;
}

export interface StoredFrame {
  readonly id: number;
  readonly at: number;
  readonly sealedBytes: number;
  readonly rawBytes: number;
}

const PACK = "id, lineage, sha256, size_bytes AS sizeBytes";

/** Packs and the frames in them. Deleting a pack deletes its frames and their extents. */
export class Packs {
  readonly #db: Database;
  readonly #insert: Statement;
  readonly #grow: Statement;
  readonly #insertFrame: Statement;
  readonly #get: Statement;
  readonly #find: Statement;
  readonly #all: Statement;
  readonly #partToExtend: Statement;
  readonly #complete: Statement;
  readonly #frames: Statement;
  readonly #frame: Statement;
  readonly #deleteFrame: Statement;
  readonly #delete: Statement;
  readonly #partsOf: Statement;
  readonly #partsBefore: Statement;
  readonly #totals: Statement;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`
      CREATE TABLE IF NOT EXISTS pack (
        id INTEGER PRIMARY KEY AUTOINCREMENT, lineage INTEGER NOT NULL REFERENCES lineage,
        sha256 TEXT UNIQUE, size_bytes INTEGER NOT NULL, touched_ms INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS frame (
        id INTEGER PRIMARY KEY AUTOINCREMENT, pack INTEGER NOT NULL REFERENCES pack ON DELETE CASCADE,
        at INTEGER NOT NULL, sealed_bytes INTEGER NOT NULL, raw_bytes INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS frame_pack ON frame (pack);`);
    this.#totals = db.prepare("SELECT count(*) AS packs, coalesce(sum(size_bytes), 0) AS bytes FROM pack");
    this.#insert = db.prepare(
      "INSERT INTO pack (lineage, size_bytes, touched_ms) VALUES (?, 0, ?) RETURNING id",
    );
    this.#grow = db.prepare("UPDATE pack SET size_bytes = ?, touched_ms = ? WHERE id = ?");
    this.#insertFrame = db.prepare(
      "INSERT INTO frame (pack, at, sealed_bytes, raw_bytes) VALUES (?, ?, ?, ?) RETURNING id",
    );
    this.#get = db.prepare(`SELECT ${PACK} FROM pack WHERE id = ?`);
    this.#find = db.prepare(`SELECT ${PACK} FROM pack WHERE sha256 = ?`);
    this.#all = db.prepare(`SELECT ${PACK} FROM pack`);
    this.#partToExtend = db.prepare(
      `SELECT ${PACK} FROM pack WHERE lineage = ? AND sha256 IS NULL AND size_bytes < ? ORDER BY id DESC`,
    );
    this.#complete = db.prepare("UPDATE pack SET sha256 = ? WHERE id = ?");
    this.#frames = db.prepare(
      `SELECT id, at, sealed_bytes AS sealedBytes, raw_bytes AS rawBytes FROM frame
       WHERE pack = ? AND at >= ? ORDER BY at`,
    );
    this.#frame = db.prepare(
      `SELECT id, pack, at, sealed_bytes AS sealedBytes, raw_bytes AS rawBytes FROM frame WHERE id = ?`,
    );
    this.#deleteFrame = db.prepare("DELETE FROM frame WHERE id = ?");
    this.#delete = db.prepare("DELETE FROM pack WHERE id = ?");
    this.#partsOf = db.prepare(`SELECT ${PACK} FROM pack WHERE lineage = ? AND sha256 IS NULL`);
    this.#partsBefore = db.prepare(`SELECT ${PACK} FROM pack WHERE sha256 IS NULL AND touched_ms < ?`);
  }

  createPart(lineage: number, nowMs: number): Pack {
    const id = Number(this.#insert.get(lineage, nowMs)?.id);
    return { id, lineage, sha256: null, sizeBytes: 0 };
  }

  /** The newest part of the lineage that is smaller than this. */
  partToExtend(lineage: number, { belowBytes }: { belowBytes: number }): Pack | undefined {
    return this.#partToExtend.get(lineage, belowBytes) as Pack | undefined;
  }

  get(id: number): Pack | undefined {
    return this.#get.get(id) as Pack | undefined;
  }

  /** The complete pack with this hash, in hexadecimal. */
  find(sha256: string): Pack | undefined {
    return this.#find.get(sha256) as Pack | undefined;
  }

  all(): Pack[] {
    return this.#all.all() as unknown as Pack[];
  }

  /** Number and size of all packs. */
  totals(): { packs: number; bytes: number } {
    return this.#totals.get() as { packs: number; bytes: number };
  }

  /** Adds a frame, which counts as part of the pack after `grow`. Returns its id. */
  addFrame(pack: number, frame: Omit<StoredFrame, "id">): number {
    return Number(this.#insertFrame.get(pack, frame.at, frame.sealedBytes, frame.rawBytes)?.id);
  }

  grow(pack: number, { sizeBytes, nowMs }: { sizeBytes: number; nowMs: number }): void {
    this.#grow.run(sizeBytes, nowMs, pack);
  }

  /** Gives the pack its final name; it never changes afterwards. */
  complete(pack: number, sha256: string): void {
    this.#complete.run(sha256, pack);
  }

  /** Those that begin at `from` or later, in the order of their place in the pack. */
  frames(pack: number, { from = 0 }: { from?: number } = {}): StoredFrame[] {
    return this.#frames.all(pack, from) as unknown as StoredFrame[];
  }

  /** One frame, with the id of its pack. */
  frame(id: number): StoredFrame & { readonly pack: number } | undefined {
    return this.#frame.get(id) as StoredFrame & { pack: number } | undefined;
  }

  deleteFrame(id: number): void {
    this.#deleteFrame.run(id);
  }

  delete(id: number): void {
    this.#delete.run(id);
  }

  partsOf(lineage: number): Pack[] {
    return this.#partsOf.all(lineage) as unknown as Pack[];
  }

  /** Parts that have not grown since. */
  partsBefore(timeMs: number): Pack[] {
    return this.#partsBefore.all(timeMs) as unknown as Pack[];
  }
}
