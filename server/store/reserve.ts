import { getLogger } from "@logtape/logtape";
import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { messageOf } from "#contract/errors.ts";
import { removeSync, sizeOf } from "./durable.ts";

const log = getLogger(["rackseed", "store"]);

/** SQLite's log of a few large transactions fits into it. */
const RESERVE_BYTES = 8 << 20;
/** With less than this the database may be unable to write. */
const FULL_BYTES = 1 << 20;
/** Room to leave beside the reserve when it is made. */
const AMPLE_BYTES = 4 * RESERVE_BYTES;

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
    const free = this.#freeBytes();
    if (free < FULL_BYTES) this.release();
    else if (free > AMPLE_BYTES && sizeOf(this.#path) !== RESERVE_BYTES) this.#make();
  }

  /** Whether the disk is so full that the reserve is spent, or would be at the next write. */
  get isFull(): boolean {
    return this.#freeBytes() < FULL_BYTES ||
      (sizeOf(this.#path) === undefined && this.#freeBytes() < AMPLE_BYTES);
  }

  release(): void {
    if (sizeOf(this.#path) === undefined) return;
    removeSync(this.#path);
    log.warn("reserve-released", { folder: this.#folder, bytes: RESERVE_BYTES });
  }

  /** Random bytes: a file system that compresses would store zeros for nothing. */
  #make(): void {
    try {
      Deno.writeFileSync(this.#path, randomBytes(RESERVE_BYTES), { mode: 0o600 });
    } catch (error) {
      removeSync(this.#path);
      log.warn("reserve-not-made", { error: messageOf(error) });
    }
  }

  get #path(): string {
    return `${this.#folder}/reserve`;
  }

  #freeBytes(): number {
    const { bsize, bavail } = statfsSync(this.#folder);
    return bavail * bsize;
  }
}
