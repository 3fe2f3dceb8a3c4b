import { getLogger } from "@logtape/logtape";
import { isDamagedCopy } from "#contract/damaged_copy.ts";
import { messageOf, type RackseedError } from "#contract/errors.ts";
import type { PeerIdentity } from "../ports.ts";
import type { HttpSource } from "./http_range.ts";
import { WebSeed, type WebSeedOptions } from "./web_seed.ts";

const log = getLogger(["rackseed", "swarm"]);

/**
 * The fallback for when peers send nothing: tiers of web seeds, the last of which is the server's own HTTPS. A tier is
 * used while no seed of an earlier tier is usable.
 */
export class WebSeeds {
  readonly #tiers: readonly (readonly WebSeed[])[];
  readonly #onDamagedCopy: (error: RackseedError) => void;
  #parallel = 0;
  #only = () => true;
  #closed = false;

  /** `onDamagedCopy`: a source reports that its copy of the requested bytes is damaged. */
  constructor(
    tiers: readonly (readonly HttpSource[])[],
    options: WebSeedOptions,
    { onDamagedCopy }: { onDamagedCopy: (error: RackseedError) => void },
  ) {
    this.#onDamagedCopy = onDamagedCopy;
    this.#tiers = tiers.map((sources) => sources.map((source) => new WebSeed(source, options)));
  }

  /** Payload bytes kept, or bytes that were of no use. */
  total(key: "downloaded" | "wasted"): number {
    return this.#all.reduce((sum, seed) => sum + seed[key], 0);
  }

  /** The tier that is serving now, if any. */
  get tierInUse(): number | undefined {
    const tier = this.#tiers.findIndex((seeds) => seeds.some(({ transfers }) => transfers > 0));
    return tier < 0 ? undefined : tier;
  }

  /** Once a second. `parallel`: how many pieces to fetch in parallel from now on, and `only` while this is true. */
  tick(parallel: number, { only = () => true }: { only?: () => boolean } = {}): void {
    this.#only = only;
    if (parallel > 0 && this.#parallel === 0 && this.#all.length > 0) {
      log.info("web-seeds-asked", { parallel });
    }
    this.#parallel = parallel;
    for (const seed of this.#all) seed.tick();
    this.pump();
  }

  cancelObsolete(piece: number, by: unknown): void {
    for (const seed of this.#all) if (seed !== by) seed.cancelObsolete(piece);
  }

  /** Stops using a web seed that sent corrupt data. False if `peerId` is not a web seed's. */
  ban({ peerId }: PeerIdentity): boolean {
    const seed = this.#all.find(({ identity }) => identity.peerId === peerId);
    if (!seed) return false;
    seed.isBanned = true;
    seed.close();
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const seed of this.#all) seed.close();
  }

  get #all(): readonly WebSeed[] {
    return this.#tiers.flat();
  }

  /** Starts requests until `parallel` are running. */
  pump(): void {
    let running = this.#all.reduce((sum, seed) => sum + seed.transfers, 0);
    while (!this.#closed && this.#only() && running++ < this.#parallel) {
      const usable = this.#tiers.map((seeds) => seeds.filter((seed) => seed.isUsable));
      const [seed] = (usable.find(({ length }) => length > 0) ?? []).toSorted((a, b) =>
        a.transfers - b.transfers
      );
      const fetching = seed?.fetchNext();
      if (!seed || !fetching) return;
      fetching
        .catch((error) => {
          log.warn("web-seed-failed", { ...seed.identity, error: messageOf(error) });
          if (isDamagedCopy(error)) this.#onDamagedCopy(error);
        })
        .finally(() => this.pump());
    }
  }
}
