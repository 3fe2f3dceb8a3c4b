import { getLogger } from "@logtape/logtape";
import { isDamagedCopy } from "#contract/damaged_copy.ts";
import { messageOf, type RackseedError } from "#contract/errors.ts";
import type { PeerIdentity } from "../ports.ts";
import type { HttpSource } from "./http_range.ts";
import { WebSeed, type WebSeedSurroundings } from "./web_seed.ts";

const log = getLogger(["rackseed", "swarm"]);

/**
 * What a swarm falls back on where peers give nothing: tiers of web seeds, the last of them the server's own
 * HTTP. A tier is asked while none before it can be.
 */
export class WebSeeds {
  readonly #tiers: readonly (readonly WebSeed[])[];
  readonly #onDamagedCopy: (error: RackseedError) => void;
  #parallel = 0;
  #closed = false;

  /** `onDamagedCopy`: a source says that what was asked of it is damaged there. */
  constructor(
    tiers: readonly (readonly HttpSource[])[],
    surroundings: WebSeedSurroundings,
    { onDamagedCopy }: { onDamagedCopy: (error: RackseedError) => void },
  ) {
    this.#onDamagedCopy = onDamagedCopy;
    this.#tiers = tiers.map((sources) => sources.map((source) => new WebSeed(source, surroundings)));
  }

  /** Payload bytes kept, or of no use. */
  total(key: "downloaded" | "wasted"): number {
    return this.#all.reduce((sum, seed) => sum + seed[key], 0);
  }

  /** The tier that is asked now. */
  get tierInUse(): number | undefined {
    const tier = this.#tiers.findIndex((seeds) => seeds.some(({ transfers }) => transfers > 0));
    return tier < 0 ? undefined : tier;
  }

  /** Once a second. `parallel`: how many pieces to fetch at one time from now on. */
  tick(parallel: number): void {
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

  /** It sent what is corrupt: never again. False where it is no web seed. */
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

  /** Asks for as much as may be under way. */
  pump(): void {
    let running = this.#all.reduce((sum, seed) => sum + seed.transfers, 0);
    while (!this.#closed && running++ < this.#parallel) {
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
