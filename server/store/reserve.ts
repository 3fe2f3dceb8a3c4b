import { getLogger } from "@logtape/logtape";
import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { messageOf } from "#contract/errors.ts";
import { removeSync, sizeOf } from "./durable.ts";

const log = getLogger(["rackseed", "store"]);

/** SQLite's log of a few large transactions fits into it; on a small file system it takes a sixteenth. */
const MOST_BYTES = 8 << 20;
/** With less than this the database may be unable to write. */
const FULL_BYTES = 512 << 10;
/** It is made only while it takes no more than this part of what is free. */
const SHARE = 1 / 4;

/**
 * A file that only takes room. When others have filled the disk it is removed, and the database can write again:
 * so a server starts on a full disk, and versions can be deleted.
 */
export class Reserve {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Gives the room up if the disk is full; makes the reserve again once there is ample room. */
  tend(): void {
    const { freeBytes, wantedBytes } = this.#room();
    if (freeBytes < FULL_BYTES) this.release();
    else if (wantedBytes <= freeBytes * SHARE && sizeOf(this.#path) !== wantedBytes) this.#make(wantedBytes);
  }

  /** Whether the disk is full, or was and has not had ample room since. */
  get isSpent(): boolean {
    return this.#room().freeBytes < FULL_BYTES || sizeOf(this.#path) === undefined;
  }

  release(): void {
    if (sizeOf(this.#path) === undefined) return;
    removeSync(this.#path);
    log.warn("reserve-released", { folder: this.#folder });
  }

  /** Random bytes: a file system that compresses would store zeros for nothing. */
  #make(sizeBytes: number): void {
    try {
      Deno.writeFileSync(this.#path, randomBytes(sizeBytes), { mode: 0o600 });
    } catch (error) {
      removeSync(this.#path);
      log.warn("reserve-not-made", { error: messageOf(error) });
    }
  }

  get #path(): string {
    return `${this.#folder}/reserve`;
  }

  #room(): { freeBytes: number; wantedBytes: number } {
    const { bsize, blocks, bavail } = statfsSync(this.#folder);
    return { freeBytes: bavail * bsize, wantedBytes: Math.min(MOST_BYTES, Math.floor(blocks * bsize / 16)) };
  }
}
