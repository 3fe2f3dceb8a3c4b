/** What the browser needs to know of files as well: without any schema, which would bring the whole contract there. */

/** In what an entry can differ between two versions. */
export const CHANGE_KINDS = [
  ...["added", "removed", "content", "type", "mode", "owner"] as const,
  ...["xattrs", "flags", "target", "device", "time"] as const,
] as const;

/** Largest file that is compared, or shown, as text. */
export const MAX_TEXT_BYTES = 256 << 10;
