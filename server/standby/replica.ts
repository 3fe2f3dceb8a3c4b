/**
 * A standby's data directory while it follows: the same files as the server's, and the same database and write-ahead log,
 * byte for byte. Whatever moment it ends at, SQLite opens it with every transaction that had arrived whole.
 */
import { DatabaseSync } from "node:sqlite";
import { RackseedError } from "#contract/errors.ts";
import { removeSync, sizeOf } from "../store/durable.ts";
import type { RecordHead } from "./records.ts";
import { digestsOf } from "./small_files.ts";
import { WAL_HEADER_BYTES, WalCursor, type WalPosition } from "./wal.ts";

const FOLDERS = ["tls", "keys", "identities", "power-commands", "packs", "versions"];

export class Replica implements Disposable {
  readonly #data: string;
  readonly #database: string;
  #cursor: WalCursor | undefined;
  #log: Deno.FsFile | undefined;
  #copy: { readonly file: Deno.FsFile; sizeBytes: number } | undefined;

  /** The caller has locked the directory. */
  constructor(data: string) {
    this.#data = data;
    this.#database = `${data}/rackseed.db`;
    for (const folder of FOLDERS) Deno.mkdirSync(`${data}/${folder}`, { recursive: true, mode: 0o700 });
    removeSync(`${this.#database}.new`);
    if (!this.isWhole) removeSync(`${this.#database}-wal`);
    else this.#openLog();
  }

  [Symbol.dispose](): void {
    this.#log?.close();
    this.#log = undefined;
    this.#endCopy();
  }

  /** Whether a whole copy of the database has arrived. */
  get isWhole(): boolean {
    try {
      return Deno.statSync(this.#database).isFile;
    } catch {
      return false;
    }
  }

  /** The end of the log that is here. */
  get position(): WalPosition | undefined {
    return this.#cursor?.position;
  }

  digests(): Record<string, string> {
    return digestsOf(this.#data);
  }

  /** Throws RackseedError if it does not fit what is here, or is damaged. */
  apply(head: RecordHead, payload: Uint8Array): void {
    switch (head.type) {
      case "file":
        return this.#write(head.path, { content: payload, mode: head.mode });
      case "removed":
        return removeSync(`${this.#data}/${head.path}`);
      case "copy":
        return this.#takeCopy(head.at, payload);
      case "log":
        return this.#takeLog(head.at, payload);
      case "alive":
        this.#finishCopy();
        this.#log?.syncDataSync();
        return;
      case "hello":
        // what the connection before did not finish
        return this.#endCopy();
      case "content":
        return;
    }
  }

  #write(path: string, { content, mode }: { content: Uint8Array; mode: number }): void {
    const whole = `${this.#data}/${path}`;
    {
      using file = Deno.openSync(`${whole}.new`, { write: true, create: true, truncate: true, mode: 0o600 });
      Deno.chmodSync(`${whole}.new`, mode);
      writeAll(file, content);
      file.syncSync();
    }
    Deno.renameSync(`${whole}.new`, whole);
    syncFolder(whole.slice(0, whole.lastIndexOf("/")));
  }

  #takeCopy(at: number, bytes: Uint8Array): void {
    if (at === 0) {
      this.#endCopy();
      const options = { write: true, create: true, truncate: true, mode: 0o600 };
      this.#copy = { file: Deno.openSync(`${this.#database}.new`, options), sizeBytes: 0 };
    }
    if (this.#copy === undefined || this.#copy.sizeBytes !== at) {
      throw misfit("a part of the copy is missing");
    }
    writeAll(this.#copy.file, bytes);
    this.#copy.sizeBytes += bytes.length;
  }

  /** Puts the copy in place, without a log: it is of a moment at which the server's log was empty. */
  #finishCopy(): void {
    if (this.#copy === undefined) return;
    this.#copy.file.syncSync();
    this.#endCopy();
    this.#log?.close();
    this.#log = this.#cursor = undefined;
    // a log of another database must never lie beside this one
    removeSync(`${this.#database}-wal`);
    removeSync(`${this.#database}-shm`);
    Deno.renameSync(`${this.#database}.new`, this.#database);
    syncFolder(this.#data);
  }

  #endCopy(): void {
    this.#copy?.file.close();
    this.#copy = undefined;
  }

  #takeLog(at: number, bytes: Uint8Array): void {
    this.#finishCopy();
    if (at === 0) this.#beginLog(bytes);
    const cursor = this.#cursor, log = this.#log;
    const frames = at === 0 ? bytes.subarray(WAL_HEADER_BYTES) : bytes;
    const begin = at === 0 ? WAL_HEADER_BYTES : at;
    if (cursor === undefined || log === undefined || cursor.scannedTo !== begin) {
      throw misfit("a part of the log is missing");
    }
    if (cursor.scan(frames) !== frames.length) throw misfit("a part of the log is damaged");
    log.seekSync(begin, Deno.SeekMode.Start);
    writeAll(log, frames);
  }

  /** The log before is whole: it goes into the database. */
  #beginLog(bytes: Uint8Array): void {
    const cursor = WalCursor.at(bytes);
    if (cursor === undefined) throw misfit("the log's header is damaged");
    this.#log?.close();
    this.#log = undefined;
    if (this.#cursor !== undefined) mergeLog(this.#database);
    const options = { read: true, write: true, create: true, truncate: true, mode: 0o600 };
    this.#log = Deno.openSync(`${this.#database}-wal`, options);
    writeAll(this.#log, bytes.subarray(0, WAL_HEADER_BYTES));
    this.#cursor = cursor;
  }

  #openLog(): void {
    let bytes: Uint8Array;
    try {
      bytes = Deno.readFileSync(`${this.#database}-wal`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    const cursor = WalCursor.at(bytes);
    if (cursor === undefined) return;
    cursor.scan(bytes.subarray(WAL_HEADER_BYTES));
    cursor.rewind();
    this.#cursor = cursor;
    this.#log = Deno.openSync(`${this.#database}-wal`, { read: true, write: true });
    this.#log.truncateSync(cursor.position.at);
  }
}

/** As SQLite does it: the last to close a database empties its log into it. */
function mergeLog(database: string): void {
  const db = new DatabaseSync(database);
  try {
    db.exec("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    db.close();
  }
  if ((sizeOf(`${database}-wal`) ?? 0) > 0) throw misfit("the database could not take its log");
}

/** The next connection gets a copy of everything. */
function misfit(reason: string): RackseedError {
  return new RackseedError("cannot follow the server", {
    reason: `${reason}.`,
    remedy:
      "nothing: the standby connects again; if this repeats, check its disk and both versions of Rackseed.",
    status: 502,
  });
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

function syncFolder(path: string): void {
  using folder = Deno.openSync(path);
  folder.syncSync();
}
