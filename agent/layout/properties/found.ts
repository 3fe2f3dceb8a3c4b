/** What reading a file system's or a table's own properties can bring to light beside them. */
export interface Found {
  /** Why it cannot be made again, in words. */
  readonly obstacle?: string | undefined;
  /** What a clone will lack, in words. */
  readonly notes: readonly string[];
}
