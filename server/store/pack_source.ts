/** Where packs are that are not on the local disk: the port that a pack store fills. */

export interface PackSource {
  /** Whether the file is only in the pack store now. `path`: as of PublishedVersion. */
  isElsewhere(path: string): boolean;
  /**
   * Resolves when all of these files are on the local disk, where they stay until the result is disposed of. Throws
   * RackseedError (503) if they cannot be had now.
   */
  hold(paths: readonly string[]): Promise<Disposable>;
  /** A URL at which nodes may read the file for a while; undefined if the pack store does not have it, or is away. */
  urlOf(path: string): string | undefined;
}

/** Everything is on the local disk. */
export const LOCAL_PACKS: PackSource = {
  isElsewhere: () => false,
  hold: () => Promise.resolve({ [Symbol.dispose]() {} }),
  urlOf: () => undefined,
};
