/** What the store takes over from another server: its key of an image, and packs that are complete. */
import type { Database } from "./engine.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Frame } from "#contract/format/manifest.ts";
import type { DataDirectory } from "./data_directory.ts";
import { transaction } from "./database.ts";
import { removeSync } from "./durable.ts";
import type { Extents } from "./extents.ts";
import type { HeldLineage } from "./held_lineages.ts";
import type { Lineage, Lineages } from "./lineages.ts";
import type { Pack, Packs } from "./packs.ts";

/** Frames that are noted in one transaction, which nothing else can interrupt. */
const FRAMES_AT_ONCE = 50;

interface Options {
  readonly db: Database;
  readonly directory: DataDirectory;
  readonly packs: Packs;
  readonly extents: Extents;
  readonly lineages: Lineages;
  /** See ImageStore.hold. */
  readonly hold: (image: string, key: Uint8Array) => HeldLineage | undefined;
}

export class ForeignVersions {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The image's key here; undefined if there is no such image. */
  keyOf(image: string): Uint8Array | undefined {
    return this.#options.lineages.find(image)?.key;
  }

  /** As ImageStore.hold, for an image with this key, here or from now on. Throws RackseedError (409) if it has another. */
  hold(image: string, key: Uint8Array): HeldLineage | undefined {
    const { lineages, hold } = this.#options;
    const own = lineages.find(image)?.key ?? key;
    if (Buffer.compare(own, key) === 0) return hold(image, key);
    throw new RackseedError(`cannot add a version to ${image}`, {
      reason: "this server has another image of that name, with a key of its own.",
      remedy: `delete the versions of ${image} here, or give the image another name on the other server.`,
      status: 409,
    });
  }

  /** A complete pack that is here already. */
  find(sha256: string): Pack | undefined {
    return this.#options.packs.find(sha256);
  }

  /**
   * Links a pack's file to the others and notes its frames; it is a part until ImageStore.publish completes it, which
   * the caller does or drops.
   */
  async take(
    { id: lineage }: Lineage,
    { path, sizeBytes, frames }: { path: string; sizeBytes: number; frames: readonly Frame[] },
  ): Promise<Pack> {
    const { directory, packs } = this.#options;
    const part = packs.createPart(lineage, Date.now());
    const place = directory.pack(part);
    removeSync(place);
    Deno.linkSync(path, place);
    packs.grow(part.id, { sizeBytes, nowMs: Date.now() });
    await this.addFrames(part, frames);
    return { ...part, sizeBytes };
  }

  /** Notes frames of a pack that is here, so that captures can use them. Other requests are answered in between. */
  async addFrames({ id, lineage }: Pack, frames: readonly Frame[]): Promise<void> {
    const { db, packs, extents } = this.#options;
    const known = new Map(packs.frames(id).map((frame) => [frame.at, frame.id]));
    for (let first = 0; first < frames.length; first += FRAMES_AT_ONCE) {
      transaction(db, () => {
        for (const frame of frames.slice(first, first + FRAMES_AT_ONCE)) {
          const { offset: at, sealedBytes, rawBytes } = frame;
          const row = known.get(at) ?? packs.addFrame(id, { at, sealedBytes, rawBytes });
          for (const { sha256, offset, sizeBytes } of frame.extents) {
            const hash = Buffer.from(sha256, "base64url");
            extents.add(lineage, { frame: row, sha256: hash, at: offset, sizeBytes });
          }
        }
      });
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}
