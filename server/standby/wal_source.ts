/**
 * The server's database as its standbys copy it: the file as of a checkpoint, and the write-ahead log from there on.
 * While there are standbys, only this class checkpoints, so that no transaction leaves the log before they have it. A
 * checkpoint leaves the log's file as it is (RESTART): its room counts on a full disk. The next transaction begins it.
 *
 * Everything in here is synchronous, as is node:sqlite: no transaction is ever half done while it runs.
 */
import { getLogger } from "@logtape/logtape";
import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "#contract/errors.ts";
import { WAL_HEADER_BYTES, WalCursor, type WalPosition } from "./wal.ts";

const log = getLogger(["rackseed", "standby"]);
const CHUNK_BYTES = 1 << 20;
/** At this length SQLite empties the log on its own; 0: never. */
const SQLITE_PAGES = 1000;
/** Here it is emptied at this size if every standby has it all, and at the second one in any case. */
const EMPTY_AT_BYTES = 4 << 20, MAX_LOG_BYTES = 64 << 20;

/** How far a standby is. `log`: counts the logs that the server has begun. */
export interface Place {
  readonly log: number;
  readonly at: number;
}

/** What is sent next: a part of the log from `at` on; its beginning begins a new one. */
interface LogPart {
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly next: Place;
}

export class WalSource implements Disposable {
  readonly #db: DatabaseSync;
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  #cursor: WalCursor | undefined;
  #log = 0;
  /** Bytes of all logs before the present one, so that every place has a number; and of the last of them. */
  #before = 0;
  #lastLog = 0;
  #copies = 0;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
  }

  /** To be called after the database is closed: closing its file earlier would release SQLite's lock (POSIX fcntl). */
  [Symbol.dispose](): void {
    this.#file?.close();
  }

  /** Whether the log waits for standbys. */
  hold(isHeld: boolean): void {
    this.#db.exec(`PRAGMA wal_autocheckpoint = ${isHeld ? 0 : SQLITE_PAGES}`);
  }

  /** The end of the last transaction. */
  end(): Place {
    using file = openIfThere(`${this.#path}-wal`);
    if (file) this.#follow(file);
    return { log: this.#log, at: this.#cursor?.position.at ?? 0 };
  }

  /** Grows with every transaction, across logs; 0 for a place in a log that is long gone. */
  numberOf({ log, at }: Place): number {
    if (log === this.#log) return this.#before + at;
    return log === this.#log - 1 ? this.#before - this.#lastLog + at : 0;
  }

  /** The place of a standby that has the log up to `position`; undefined if it needs a copy. */
  placeOf(position: WalPosition | undefined): Place | undefined {
    const { log } = this.end();
    const cursor = this.#cursor;
    if (position === undefined || cursor === undefined || position.salt !== cursor.salt) return undefined;
    const { at, check } = cursor.position;
    if (position.at === at) return position.check === check ? { log, at } : undefined;
    if (position.at > at || (position.at - WAL_HEADER_BYTES) % cursor.frameBytes !== 0) return undefined;
    using file = openIfThere(`${this.#path}-wal`);
    // the log may have been emptied since
    const head = file && readAt(file, position.at - cursor.frameBytes, 24);
    const found = head && Buffer.from(head).toString("hex").slice(32);
    return found === position.check ? { log, at: position.at } : undefined;
  }

  /** What follows `place`, at most 1 MiB; undefined at the end. Throws RangeError if a copy is needed instead. */
  after(place: Place): LogPart | undefined {
    const end = this.end();
    // it has the whole log before
    if (place.log === end.log - 1 && place.at === this.#lastLog) place = { log: end.log, at: 0 };
    if (place.log !== end.log) throw new RangeError("the log has been emptied since");
    if (place.at >= end.at) return undefined;
    using file = openIfThere(`${this.#path}-wal`);
    const frame = this.#cursor?.frameBytes ?? CHUNK_BYTES;
    const whole = (place.at === 0 ? WAL_HEADER_BYTES : 0) + Math.floor(CHUNK_BYTES / frame) * frame;
    const bytes = file && readAt(file, place.at, Math.min(whole, end.at - place.at));
    if (bytes === undefined) throw new RangeError("the log has been emptied since");
    return { at: place.at, bytes, next: { log: place.log, at: place.at + bytes.length } };
  }

  /** Keeps the database's file as it is until disposed of. Undefined if it cannot be now: try again. */
  copy(): (Disposable & { readonly place: Place; readonly sizeBytes: number } & Copying) | undefined {
    if (this.#copies === 0 && !this.#empty()) return undefined;
    this.#copies++;
    const file = this.#file ??= Deno.openSync(this.#path);
    const place = this.end();
    return {
      place,
      sizeBytes: Deno.statSync(this.#path).size,
      read: (at) => readAt(file, at, CHUNK_BYTES, { short: true }),
      [Symbol.dispose]: () => void this.#copies--,
    };
  }

  /** Empties a long log into the database. `places`: how far the standbys are. */
  tidy(places: readonly Place[]): void {
    const end = this.end();
    const areAtEnd = places.every((place) => this.numberOf(place) >= this.numberOf(end));
    if (this.#copies > 0 || end.at < (areAtEnd ? EMPTY_AT_BYTES : MAX_LOG_BYTES)) return;
    this.#empty();
  }

  #empty(): boolean {
    this.end();
    try {
      const { busy } = this.#db.prepare("PRAGMA wal_checkpoint(RESTART)").get() as { busy: number };
      return busy === 0;
    } catch (error) {
      log.debug("checkpoint-later", { error: messageOf(error) });
      return false;
    }
  }

  #follow(file: Deno.FsFile): void {
    const header = readAt(file, 0, WAL_HEADER_BYTES);
    const begun = header && WalCursor.at(header);
    // a new log has no header until its first transaction
    if (begun === undefined) return;
    if (begun.salt !== this.#cursor?.salt) {
      if (this.#cursor !== undefined) {
        this.#lastLog = this.#cursor.position.at;
        this.#before += this.#lastLog;
        this.#log++;
      }
      this.#cursor = begun;
    }
    const cursor = this.#cursor;
    for (;;) {
      const bytes = readAt(file, cursor.scannedTo, Math.max(CHUNK_BYTES, cursor.frameBytes), { short: true });
      if (bytes === undefined || cursor.scan(bytes) === 0) break;
    }
    cursor.rewind();
  }
}

interface Copying {
  /** The bytes from `at` on, at most 1 MiB; undefined at the end. */
  readonly read: (at: number) => Uint8Array<ArrayBuffer> | undefined;
}

/** Undefined if the file has fewer bytes; `short`: only if it has none. */
function readAt(
  file: Deno.FsFile,
  at: number,
  length: number,
  { short = false } = {},
): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(length);
  file.seekSync(at, Deno.SeekMode.Start);
  let got = 0;
  while (got < length) {
    const more = file.readSync(bytes.subarray(got));
    if (more === null) break;
    got += more;
  }
  if (got === length) return bytes;
  return short && got > 0 ? bytes.slice(0, got) : undefined;
}

function openIfThere(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
