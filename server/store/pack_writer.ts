import type { Database } from "./engine.ts";
import { extentRows } from "#contract/format/extent_table.ts";
import { release } from "#native/release.ts";
import type { DataDirectory } from "./data_directory.ts";
import { transaction } from "./database.ts";
import { syncPath, writeAll } from "./durable.ts";
import type { ExtentPlace, Extents } from "./extents.ts";
import type { SealedUpload } from "./frame_jobs.ts";
import type { Lineage } from "./lineages.ts";
import type { Pack, Packs } from "./packs.ts";
import { diskFull } from "./store_error.ts";

const PACK_BYTES = 256 << 20;
/** Frames are registered after this many bytes or this time, whichever comes first. */
const BATCH_BYTES = 64 << 20;
const BATCH_MS = 1000;

interface Written {
  readonly at: number;
  readonly sealedBytes: number;
  readonly rawBytes: number;
  readonly table: Uint8Array;
}

/**
 * Appends a lineage's new frames to a part file. Frames are registered in the database in batches, after fdatasync of
 * their bytes: everything in the database is on the disk, and what a crash destroys is sent again.
 */
export class PackWriter {
  readonly #db: Database;
  readonly #directory: DataDirectory;
  readonly #packs: Packs;
  readonly #extents: Extents;
  readonly #lineage: Lineage;
  /** Ids of lineages whose published extents it may use as well. */
  readonly #bases: readonly number[];
  readonly #onRegistered: (pack: number) => void;
  readonly #packBytes: number;

  #part: { readonly pack: Pack; readonly file: Deno.FsFile; endBytes: number } | undefined;
  #unregistered: Written[] = [];
  #unregisteredBytes = 0;
  #batchBegan = 0;
  /** Hashes (one character a byte) of written frames that are not registered yet. */
  readonly #written = new Set<string>();
  /** The latest request; the next one waits for it. */
  #last: Promise<unknown>;
  #registering: Promise<void> | undefined;
  /** After a failed write the end of the file is unknown, so nothing more is appended. */
  #failure: { readonly error: unknown } | undefined;

  /**
   * `after` resolves when the lineage's previous writer has closed its file. `onRegistered` is called with a pack's id
   * when more of it can be read back.
   */
  constructor(
    lineage: Lineage,
    { db, directory, packs, extents, bases, after, onRegistered, packBytes = PACK_BYTES }: {
      db: Database;
      directory: DataDirectory;
      packs: Packs;
      extents: Extents;
      bases: readonly number[];
      after: Promise<void> | undefined;
      onRegistered: (pack: number) => void;
      packBytes?: number;
    },
  ) {
    this.#last = after ?? Promise.resolve();
    this.#lineage = lineage;
    this.#bases = bases;
    this.#db = db;
    this.#directory = directory;
    this.#packs = packs;
    this.#extents = extents;
    this.#onRegistered = onRegistered;
    this.#packBytes = packBytes;
  }

  /** Whether the lineage or one of its bases has the extent, registered or about to be. `sha256`: 32 bytes. */
  has(sha256: Uint8Array): boolean {
    return this.#written.has(latin1(sha256)) || this.#extents.has(this.#lineage.id, sha256) ||
      this.#findInBases(sha256) !== undefined;
  }

  /** Finds registered extents only, so `close` first. */
  find(sha256: Uint8Array): ExtentPlace | undefined {
    return this.#extents.find(this.#lineage.id, sha256) ?? this.#findInBases(sha256);
  }

  #findInBases(sha256: Uint8Array): ExtentPlace | undefined {
    for (const base of this.#bases) {
      const place = this.#extents.findPublished(base, sha256);
      if (place) return place;
    }
    return undefined;
  }

  /** Takes ownership of the frame. Resolves when it is written; calls run in order. Throws errors of the disk. */
  append(frame: SealedUpload): Promise<void> {
    return this.#enqueue(() => this.#append(frame));
  }

  /**
   * Resolves when everything appended before is on the disk and registered, and the file is closed. Another append may
   * follow.
   */
  close(): Promise<void> {
    return this.#enqueue(() => this.#closePart());
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #append(frame: SealedUpload): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    try {
      await this.#write(frame);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  async #write({ sealed, table, rawBytes }: SealedUpload): Promise<void> {
    const sealedBytes = sealed.length;
    if (this.#directory.roomBytes() < sealedBytes) throw diskFull("cannot store a frame");
    const full = this.#part && this.#part.endBytes + sealedBytes > this.#packBytes;
    if (full) await this.#closePart();
    const part = this.#part ??= await this.#openPart();
    await writeAll(part.file, sealed);
    release(sealed);
    if (this.#unregistered.length === 0) this.#batchBegan = performance.now();
    this.#unregistered.push({ at: part.endBytes, sealedBytes, rawBytes, table });
    part.endBytes += sealedBytes;
    this.#unregisteredBytes += sealedBytes;
    for (const { sha256 } of extentRows(table)) this.#written.add(latin1(sha256));
    const due = this.#unregisteredBytes >= BATCH_BYTES || performance.now() - this.#batchBegan >= BATCH_MS;
    // appends continue meanwhile; the next close reports a failure
    if (due && this.#registering === undefined) {
      this.#registering = this.#register();
      this.#registering.then(() => this.#registering = undefined, () => {});
    }
  }

  async #openPart() {
    const belowBytes = this.#packBytes / 2;
    const pack = this.#packs.partToExtend(this.#lineage.id, { belowBytes }) ??
      this.#packs.createPart(this.#lineage.id, Date.now());
    const file = await Deno.open(this.#directory.pack(pack), { write: true, create: true, mode: 0o600 });
    // drops what a crash left after the last registered frame
    await file.truncate(pack.sizeBytes);
    await file.seek(pack.sizeBytes, Deno.SeekMode.Start);
    await syncPath(this.#directory.packs);
    return { pack, file, endBytes: pack.sizeBytes };
  }

  async #closePart(): Promise<void> {
    if (this.#part === undefined) return;
    try {
      await this.#registering;
      await this.#register();
    } finally {
      const { file, pack: { id } } = this.#part;
      const pack = this.#packs.get(id);
      await file.truncate(pack?.sizeBytes ?? 0).catch(() => {});
      file.close();
      this.#part = undefined;
      this.#registering = undefined;
      this.#unregistered = [];
      this.#unregisteredBytes = 0;
      this.#written.clear();
    }
  }

  async #register(): Promise<void> {
    const part = this.#part, batch = this.#unregistered;
    if (part === undefined || batch.length === 0) return;
    this.#unregistered = [];
    this.#unregisteredBytes = 0;
    await part.file.syncData();
    transaction(this.#db, () => {
      for (const written of batch) this.#registerFrame(part.pack.id, written);
      const last = batch[batch.length - 1] as Written;
      this.#packs.grow(part.pack.id, { sizeBytes: last.at + last.sealedBytes, nowMs: Date.now() });
    });
    this.#onRegistered(part.pack.id);
    for (const { table } of batch) {
      for (const { sha256 } of extentRows(table)) this.#written.delete(latin1(sha256));
    }
  }

  #registerFrame(pack: number, { at, table, sealedBytes, rawBytes }: Written): void {
    const frame = this.#packs.addFrame(pack, { at, sealedBytes, rawBytes });
    let extentAt = 0;
    for (const { sha256, sizeBytes } of extentRows(table)) {
      this.#extents.add(this.#lineage.id, { frame, sha256, at: extentAt, sizeBytes });
      extentAt += sizeBytes;
    }
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
