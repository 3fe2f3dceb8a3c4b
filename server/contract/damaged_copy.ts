/**
 * The server's own copy of a version is damaged: what it has cannot be what was published. Said to nodes over HTTPS
 * by a status that nothing else has, so that they end at once, with these words, instead of asking again.
 */
import { RackseedError } from "./errors.ts";

/** RFC 9110 §15.5.11: gone, and likely for good. */
const DAMAGED_COPY = 410;

/** `version`: "web@1". `what`: the file and what is wrong with it. */
export function damagedCopy(version: string, what: string): RackseedError {
  return new RackseedError(`the server's copy of ${version} is damaged`, {
    reason: `${what}.`,
    remedy:
      `see all of it on the server: rackseed image verify ${version}. Then check the server's disk, and ` +
      `put the file back from a backup, capture the image again, or deploy another version.`,
    status: DAMAGED_COPY,
  });
}

export function isDamagedCopy(error: unknown): error is RackseedError {
  return error instanceof RackseedError && error.status === DAMAGED_COPY;
}
