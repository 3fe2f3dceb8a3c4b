/**
 * The server's own copy of a version is damaged: its bytes differ from what was published. The server reports that to
 * nodes over HTTPS with a status of its own, so that they stop at once with this error instead of retrying.
 */
import { RackseedError } from "./errors.ts";

/** RFC 9110 §15.5.11: gone, and likely for good. */
const DAMAGED_COPY = 410;

/** `version`: "web@1". `what`: the file and what is wrong with it. */
export function damagedCopy(version: string, what: string): RackseedError {
  return new RackseedError(`the server's copy of ${version} is damaged`, {
    reason: `${what}.`,
    remedy:
      `list all damage on the server: rackseed image verify ${version}. Then check the server's disk, and ` +
      `restore the file from a backup, capture the image again, or deploy another version.`,
    status: DAMAGED_COPY,
  });
}

export function isDamagedCopy(error: unknown): error is RackseedError {
  return error instanceof RackseedError && error.status === DAMAGED_COPY;
}
