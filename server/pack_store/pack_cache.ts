/** The packs on the local disk: which of them are in use, and which may go. */
import { existsSync } from "node:fs";

interface CachedPack {
  readonly path: string;
  readonly sizeBytes: number;
}

export class PackCache {
  /** How many readers each path has. */
  readonly #holds = new Map<string, number>();
  /** When each path was last held. */
  readonly #usedAt = new Map<string, number>();
  readonly #now: () => number;

  constructor({ now }: { now: () => number }) {
    this.#now = now;
  }

  has(path: string): boolean {
    return existsSync(path);
  }

  /** Keeps the paths from being chosen by `surplus` until the result is disposed of. `isUse`: somebody needs them. */
  hold(paths: readonly string[], { isUse = true }: { isUse?: boolean } = {}): Disposable {
    const use = (path: string) => isUse && this.#usedAt.set(path, this.#now());
    for (const path of paths) {
      this.#holds.set(path, (this.#holds.get(path) ?? 0) + 1);
      use(path);
    }
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        for (const path of paths) {
          const left = (this.#holds.get(path) ?? 1) - 1;
          if (left > 0) this.#holds.set(path, left);
          else this.#holds.delete(path);
          use(path);
        }
      },
    };
  }

  isHeld(path: string): boolean {
    return this.#holds.has(path);
  }

  /** The packs to remove so that no more than `limitBytes` remain, the longest unused first. */
  surplus(packs: readonly CachedPack[], { limitBytes, mayGo }: {
    limitBytes: number;
    mayGo: (path: string) => boolean;
  }): CachedPack[] {
    let bytes = packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const going: CachedPack[] = [];
    const usedAt = ({ path }: CachedPack) => this.#usedAt.get(path) ?? 0;
    for (const pack of packs.toSorted((a, b) => usedAt(a) - usedAt(b))) {
      if (bytes <= limitBytes) break;
      if (this.isHeld(pack.path) || !mayGo(pack.path)) continue;
      going.push(pack);
      bytes -= pack.sizeBytes;
    }
    return going;
  }
}
