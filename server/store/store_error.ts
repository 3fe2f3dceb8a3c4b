import { messageOf, RackseedError } from "#contract/errors.ts";
import { restoreRemedy } from "./start_check.ts";

export const FREE_SPACE =
  "delete versions that are no longer needed (`rackseed image delete`), cancel the capture to drop " +
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

/** An error of the store in human-readable form; a RackseedError stays as it is. */
export function storeError(title: string, error: unknown): RackseedError {
  if (error instanceof RackseedError) return error;
  if (isDiskFull(error)) return diskFull(title, error);
  return new RackseedError(title, {
    reason: messageOf(error),
    remedy: "see the server's log and check the disk of the data directory.",
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

/** Why a server could not start, if nothing better is known: most likely it could not read its own files. */
export function startError(data: string, error: unknown): RackseedError {
  if (error instanceof RackseedError) return error;
  if (isDiskFull(error)) return diskFull(`cannot start on the data directory ${data}`, error);
  return new RackseedError(`cannot start on the data directory ${data}`, {
    reason: `${messageOf(error)}. No version was touched.`,
    remedy: `check the disk of the data directory; if the database is damaged, ${restoreRemedy(data)}`,
    cause: error,
  });
}
