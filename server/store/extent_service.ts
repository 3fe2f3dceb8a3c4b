/**
 * Cuts wanted extents out of a version's frames, for a node that needs only a few. The request's schema
 * (contract/format/extent_answer.ts) bounds its cost; the frame workers do the work.
 */
import { encodeCut, type ExtentRequest } from "#contract/format/extent_answer.ts";
import { damagedCopy } from "#contract/damaged_copy.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { packKeys } from "#contract/format/manifest.ts";
import { MAX_FRAME_BYTES } from "#contract/format/sealed.ts";
import type { FramePool } from "./frame_pool.ts";
import { readManifest } from "./version_reader.ts";
import type { PublishedVersion } from "./versions.ts";

/** The places of a version's extents: all that is kept of its manifest. */
interface FrameTable {
  readonly frames: readonly {
    readonly pack: number;
    readonly at: number;
    readonly sealedBytes: number;
    /** Offset and size of each extent, one after the other. */
    readonly places: Uint32Array;
  }[];
  readonly packs: readonly string[];
  /** By pack. */
  readonly keys: readonly Uint8Array[];
}

/** Nodes that restore at the same time mostly restore the same version. */
const KEPT_TABLES = 2;

export class ExtentService {
  readonly #pool: FramePool;
  readonly #onDamage: (path: string, what: string) => void;
  /** By the version's id; the most recently used is last. */
  readonly #tables = new Map<string, FrameTable>();

  /** `onDamage` is called with a damaged pack. */
  constructor(pool: FramePool, onDamage: (path: string, what: string) => void = () => {}) {
    this.#pool = pool;
    this.#onDamage = onDamage;
  }

  /** The answer's bytes, cut by cut. Throws RackseedError (400) at once if the version has no such extent. */
  cut(version: PublishedVersion, { frames }: ExtentRequest): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const table = this.#table(version);
    const jobs = frames.map(({ frame, extents }) => {
      const found = table.frames[frame];
      const path = found && table.packs[found.pack], key = found && table.keys[found.pack];
      if (
        !found || path === undefined || key === undefined ||
        extents.some((number) => number * 2 >= found.places.length)
      ) {
        throw new RackseedError("cannot send these extents", {
          reason: `${version.image}@${version.version} has no such frame or extent.`,
          remedy: "use the same version of rackseed on both sides (`rackseed version`).",
          status: 400,
        });
      }
      const { at, sealedBytes, places } = found;
      const ranges = extents.flatMap((number) => [...places.subarray(number * 2, number * 2 + 2)]);
      const sizes = ranges.filter((_, i) => i % 2 === 1);
      if (sizes.reduce((sum, size) => sum + size, 0) > MAX_FRAME_BYTES) {
        throw new RackseedError("cannot send these extents", {
          reason: `the request asks for more of frame ${frame} than a frame can hold.`,
          remedy: "request each extent once.",
          status: 400,
        });
      }
      return { path, at, sealedBytes, key, ranges };
    });
    return this.#run(jobs, `${version.image}@${version.version}`);
  }

  async *#run(
    jobs: readonly Parameters<FramePool["cut"]>[0][],
    version: string,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const job of jobs) {
      let cut: Uint8Array<ArrayBuffer>;
      try {
        cut = await this.#pool.cut(job);
      } catch (error) {
        const what = `${job.path.slice(job.path.lastIndexOf("/") + 1)}: ${messageOf(error)}`;
        this.#onDamage(job.path, what);
        throw damagedCopy(version, what);
      }
      yield encodeCut(cut);
    }
  }

  #table(version: PublishedVersion): FrameTable {
    const table = this.#tables.get(version.id) ?? tableOf(version);
    this.#tables.delete(version.id);
    this.#tables.set(version.id, table);
    if (this.#tables.size > KEPT_TABLES) this.#tables.delete(this.#tables.keys().next().value as string);
    return table;
  }
}

function tableOf(version: PublishedVersion): FrameTable {
  const { header, frames } = readManifest(version);
  return {
    frames: frames.map(({ pack, offset, sealedBytes, extents }) => ({
      pack,
      at: offset,
      sealedBytes,
      places: Uint32Array.from(extents.flatMap((e) => [e.offset, e.sizeBytes])),
    })),
    packs: version.payload.slice(1).map(({ path }) => path),
    keys: packKeys(header, version.key),
  };
}
