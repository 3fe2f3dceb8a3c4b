import { getLogger } from "@logtape/logtape";
import type { Database } from "./engine.ts";
import { messageOf } from "#contract/errors.ts";
import type { DataDirectory } from "./data_directory.ts";
import type { Extents } from "./extents.ts";
import type { FramePool } from "./frame_pool.ts";
import { FrameProver } from "./frame_prover.ts";
import type { Lineage, Lineages } from "./lineages.ts";
import { PackWriter } from "./pack_writer.ts";
import type { Packs } from "./packs.ts";
import { ofUpstream, otherKind } from "./version_views.ts";
import type { Versions } from "./versions.ts";

const log = getLogger(["rackseed", "store"]);

/** A lineage that is open for new frames. */
export interface HeldLineage {
  readonly lineage: Lineage;
  readonly writer: PackWriter;
  readonly prover: FrameProver;
  /** Resolves when the writer's file is closed; the lineage may be held again at once. */
  release(): Promise<void>;
}

interface Options {
  readonly db: Database;
  readonly directory: DataDirectory;
  readonly pool: FramePool;
  readonly packs: Packs;
  readonly extents: Extents;
  readonly lineages: Lineages;
  readonly versions: Versions;
  readonly packBytes: number | undefined;
}

/** The lineages that captures add to now, at most one capture for each. Their content cannot be deleted meanwhile. */
export class HeldLineages {
  readonly #options: Options;
  /** Held lineages, by image. */
  readonly #held = new Map<string, number>();
  /** For each held image, other lineages whose packs its capture may use. */
  readonly #bases = new Map<string, readonly number[]>();
  /** By image: the last writer, while it closes its file. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Ids of the held lineages, by image. */
  get byImage(): ReadonlyMap<string, number> {
    return this.#held;
  }

  /** Why the image's content is in use, as text; undefined if it is not. */
  useOf(image: string): string | undefined {
    if (this.#held.has(image)) return "a capture adds to this image";
    const lineage = this.#options.lineages.find(image)?.id;
    const user = [...this.#bases].find(([, bases]) => bases.some((id) => id === lineage));
    return user && `a capture for ${user[0]} uses its content`;
  }

  /** Opens a lineage that is not held; see ImageStore.hold. Throws RackseedError (409) if it is of another kind. */
  open(
    image: string,
    { backupOf, base, key }: {
      backupOf?: string | undefined;
      base?: string | undefined;
      key?: Uint8Array | undefined;
    },
  ): HeldLineage {
    const { lineages, pool, directory, packs } = this.#options;
    const lineage = lineages.findOrMake(image, { backupOf, key });
    if (lineage.backupOf !== backupOf) throw otherKind(lineage);
    if (lineage.publicKey !== undefined) throw ofUpstream(`cannot capture ${image}`, image);
    this.#held.set(image, lineage.id);
    const bases = this.#basesOf(lineage, base);
    this.#bases.set(image, bases);
    const prover = new FrameProver(lineage, { pool, directory, packs });
    const writer = this.#writer(lineage, { bases, prover });
    return { lineage, writer, prover, release: () => this.#release(image, writer) };
  }

  #basesOf(lineage: Lineage, base: string | undefined): number[] {
    const { lineages, versions } = this.#options;
    const named = base === undefined ? undefined : lineages.find(base)?.id;
    const all = [...versions.lenders(lineage.id), ...named === undefined ? [] : [named]];
    return [...new Set(all)].filter((id) => id !== lineage.id);
  }

  #writer(
    lineage: Lineage,
    { bases, prover }: { bases: readonly number[]; prover: FrameProver },
  ): PackWriter {
    const { db, directory, packs, extents, packBytes } = this.#options;
    return new PackWriter(lineage, {
      db,
      directory,
      packs,
      extents,
      bases,
      onRegistered: (pack) => prover.advance(pack),
      after: this.#closing.get(lineage.image),
      ...(packBytes !== undefined && { packBytes }),
    });
  }

  #release(image: string, writer: PackWriter): Promise<void> {
    this.#held.delete(image);
    this.#bases.delete(image);
    const closing = writer.close().catch((error) => {
      log.warn("part-not-closed", { image, error: messageOf(error) });
    });
    this.#closing.set(image, closing);
    return closing;
  }
}
