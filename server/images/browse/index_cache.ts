/** The indexes of the versions that are being looked at. */
import { getLogger } from "@logtape/logtape";
import { damagedCopy } from "#contract/damaged_copy.ts";
import { messageOf } from "#contract/errors.ts";
import type { PublishedVersion } from "../../store/versions.ts";
import { readIndex } from "./read_index.ts";
import type { VersionIndex } from "./version_index.ts";

const log = getLogger(["rackseed", "browse"]);

/** An index of 100 000 entries takes about 25 MB. The two that were asked for last stay, whatever their size. */
const KEPT_BYTES = 256 << 20;
const KEPT_AT_LEAST = 2;
/** Nobody looks any more: the memory is given back. */
const IDLE_MS = 10 * 60_000;

interface Kept {
  readonly index: Promise<VersionIndex>;
  /** 0 while it is being read. */
  bytes: number;
}

export class IndexCache implements Disposable {
  /** By the version's id; the most recently used is last. */
  readonly #kept = new Map<string, Kept>();
  /** Indexes are read one after the other: what is in memory meanwhile is several times their size. */
  #reading: Promise<unknown> = Promise.resolve();
  #idle: ReturnType<typeof setTimeout> | undefined;

  [Symbol.dispose](): void {
    clearTimeout(this.#idle);
    this.#kept.clear();
  }

  /** Throws RackseedError (410) if the manifest is lost or damaged. */
  async get(version: PublishedVersion): Promise<VersionIndex> {
    const kept = this.#kept.get(version.id) ?? this.#read(version);
    this.#kept.delete(version.id);
    this.#kept.set(version.id, kept);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#kept.clear(), IDLE_MS);
    Deno.unrefTimer(this.#idle as unknown as number);
    return await kept.index;
  }

  #read(version: PublishedVersion): Kept {
    const named = `${version.image}@${version.version}`;
    const index = this.#reading.then(async () => {
      const started = performance.now();
      const read = await readIndex(version);
      kept.bytes = read.memoryBytes;
      this.#trim();
      const ms = Math.round(performance.now() - started);
      log.debug("index-read", { image: named, entries: read.size, bytes: kept.bytes, ms });
      return read;
    }).catch((error) => {
      this.#kept.delete(version.id);
      throw damagedCopy(named, `manifest: ${messageOf(error)}`);
    });
    const kept: Kept = { index, bytes: 0 };
    this.#reading = index.catch(() => {});
    return kept;
  }

  #trim(): void {
    let bytes = this.#kept.values().reduce((sum, kept) => sum + kept.bytes, 0);
    for (const [id, kept] of this.#kept) {
      if (bytes <= KEPT_BYTES || this.#kept.size <= KEPT_AT_LEAST) return;
      bytes -= kept.bytes;
      this.#kept.delete(id);
    }
  }
}
