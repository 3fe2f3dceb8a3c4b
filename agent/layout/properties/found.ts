/** Findings about a file system besides its properties. */
export interface Found {
  /** Why a clone's cannot be created, as text. */
  readonly obstacle?: string | undefined;
  /** What a clone's will lack, as text. */
  readonly notes: readonly string[];
}
