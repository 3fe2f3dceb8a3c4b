import { getLogger } from "@logtape/logtape";
import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { messageOf } from "#contract/errors.ts";
import { removeSync, sizeOf } from "./durable.ts";

const log = getLogger(["rackseed", "store"]);

/** Enough for SQLite's log of a few large transactions. On a small file system the reserve is a sixteenth of it. */
const MOST_BYTES = 8 << 20;
/** With less free space than this the database may be unable to write. */
const FULL_BYTES = 512 << 10;
/** The reserve is created only if it takes at most this share of the free space. */
const SHARE = 1 / 4;

/**
 * A file that only takes up space. When the disk is full, the server removes it so that the database can write: it can
 * then start, and delete versions.
 */
export class Reserve {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Releases the space if the disk is full; takes it again once there is plenty. */
  adjust(): void {
    const { freeBytes, wantedBytes } = this.#room();
    if (freeBytes < FULL_BYTES) this.release();
    else if (wantedBytes <= freeBytes * SHARE && sizeOf(this.#path) !== wantedBytes) this.#make(wantedBytes);
  }

  /** Whether the disk is full, or was and has not had plenty of space since. */
  get isSpent(): boolean {
    return this.#room().freeBytes < FULL_BYTES || sizeOf(this.#path) === undefined;
  }

  release(): void {
    if (sizeOf(this.#path) === undefined) return;
    removeSync(this.#path);
    log.warn("reserve-released", { folder: this.#folder });
  }

  /** Random bytes, because a compressing file system stores zeros in no space. */
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
