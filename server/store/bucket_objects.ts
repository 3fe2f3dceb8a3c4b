/** What the server put into the bucket of its pack store, and what it is about to put there or to remove. */
import type { Database, Statement } from "./engine.ts";
import { z } from "zod";
import { RackseedError } from "#contract/errors.ts";

/**
 * `uploading`: begun, perhaps in part; `stored`: the bucket has proved that it has it; `refused`: it may not be removed;
 * `lost`: it was stored, and the bucket no longer has it.
 */
export type ObjectState = "uploading" | "stored" | "refused" | "lost";

export interface BucketObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly state: ObjectState;
  readonly uploadId?: string | undefined;
  /** Keys of what this object is useless without: a manifest's packs. */
  readonly needs: readonly string[];
  /** Why the bucket refused its removal. */
  readonly reason?: string | undefined;
}

/** Where the packs are to be in the end. */
export type PackHome = "bucket" | "local";

const Row = z.object({
  key: z.string(),
  sizeBytes: z.int(),
  sha256: z.string(),
  state: z.enum(["uploading", "stored", "refused", "lost"]),
  uploadId: z.string().nullable(),
  needs: z.string(),
  reason: z.string().nullable(),
});

/**
 * A row is written before an upload begins, and deleted after the object was removed, so that whatever a crash
 * interrupted is known at the next start.
 */
export class BucketObjects {
  readonly #put: Statement;
  readonly #list: Statement;
  readonly #has: Statement;
  readonly #delete: Statement;
  readonly #bucket: Statement;
  readonly #setBucket: Statement;
  readonly #forgetBucket: Statement;

  constructor(db: Database) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS bucket (
        id INTEGER PRIMARY KEY CHECK (id = 1), url TEXT NOT NULL, home TEXT NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS bucket_object (
        key TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, state TEXT NOT NULL,
        upload_id TEXT, needs TEXT NOT NULL, reason TEXT
      ) STRICT, WITHOUT ROWID;`);
    this.#put = db.prepare(
      `INSERT INTO bucket_object VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
       SET size_bytes = excluded.size_bytes, sha256 = excluded.sha256, state = excluded.state,
         upload_id = excluded.upload_id, needs = excluded.needs, reason = excluded.reason`,
    );
    this.#list = db.prepare(
      `SELECT key, size_bytes AS sizeBytes, sha256, state, upload_id AS uploadId, needs, reason FROM bucket_object`,
    );
    this.#has = db.prepare("SELECT 1 FROM bucket_object WHERE key = ? AND state = 'stored'");
    this.#delete = db.prepare("DELETE FROM bucket_object WHERE key = ?");
    this.#bucket = db.prepare("SELECT url, home FROM bucket");
    this.#forgetBucket = db.prepare("DELETE FROM bucket");
    this.#setBucket = db.prepare(
      "INSERT INTO bucket VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET url = excluded.url, home = excluded.home",
    );
  }

  /** Whether the bucket has it. */
  has(key: string): boolean {
    return this.#has.get(key) !== undefined;
  }

  list(): BucketObject[] {
    return z.array(Row).parse(this.#list.all()).map(({ uploadId, needs, reason, ...row }) => ({
      ...row,
      needs: z.array(z.string()).parse(JSON.parse(needs)),
      ...(uploadId !== null && { uploadId }),
      ...(reason !== null && { reason }),
    }));
  }

  put({ key, sizeBytes, sha256, state, uploadId, needs, reason }: BucketObject): void {
    this.#put.run(key, sizeBytes, sha256, state, uploadId ?? null, JSON.stringify(needs), reason ?? null);
  }

  delete(key: string): void {
    this.#delete.run(key);
  }

  /** The bucket that the rows are about; undefined if none was ever used. */
  get bucket(): { readonly url: string; readonly home: PackHome } | undefined {
    return this.#bucket.get() as { url: string; home: PackHome } | undefined;
  }

  setBucket(url: string, home: PackHome): void {
    this.#setBucket.run(url, home);
  }

  /** The server is started without a bucket: a later one is a new one. */
  forgetBucket(): void {
    // a server on a full disk must start: nothing is written that changes nothing
    if (this.bucket !== undefined) this.#forgetBucket.run();
  }

  /** Throws RackseedError if there are objects in another bucket than this, or in one while there is to be none. */
  assertUsableWith(url: string | undefined): void {
    const { bucket } = this;
    if (bucket === undefined || bucket.url === url || this.list().length === 0) return;
    throw new RackseedError(
      url === undefined ? "cannot start without the pack store" : `cannot use ${url} as the pack store`,
      {
        reason: `this server's packs are in ${bucket.url}.`,
        remedy:
          `start it with --pack-store ${bucket.url}; to leave that bucket: rackseed image store move local --wait`,
      },
    );
  }
}
