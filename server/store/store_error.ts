import { messageOf, RackseedError } from "#contract/errors.ts";

export const FREE_SPACE =
  "delete versions that nobody needs (`rackseed image delete`), cancel the capture to drop " +
  "what it has stored, or move the data directory to a larger disk; then try again.";

/** The data directory is full: HTTP 507 (RFC 4918 §11.5). */
export function diskFull(title: string, cause?: unknown): RackseedError {
  return new RackseedError(title, {
    reason: "the file system of the data directory is full.",
    remedy: FREE_SPACE,
    status: 507,
    cause,
  });
}

/** What went wrong in the store, as a person may read it; a RackseedError stays as it is. */
export function storeError(title: string, error: unknown): RackseedError {
  if (error instanceof RackseedError) return error;
  if (isDiskFull(error)) return diskFull(title, error);
  return new RackseedError(title, {
    reason: messageOf(error),
    remedy: "look into the server's log and check the disk of the data directory.",
    cause: error,
  });
}

/** ENOSPC and EDQUOT of the file system, SQLITE_FULL of the database. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT" ||
    /database or disk is full|os error (28|122)\)/.test(error.message);
}
