/** What can go wrong with a BMC, in the four parts of an error. */
import { messageOf, RackseedError } from "#contract/errors.ts";

/** `title`: the action and its subject, "cannot switch n1 on". */
export function noAnswer(
  title: string,
  { address, cause }: { address: string; cause: unknown },
): RackseedError {
  return new RackseedError(title, {
    reason: `the BMC at ${address} does not answer: ${sentence(messageOf(cause))}`,
    remedy: "check its address, its network cable and the route to it; unplug the machine if the BMC hangs.",
    status: 504,
    cause,
  });
}

export function wrongPassword(
  title: string,
  { address, user }: { address: string; user: string },
): RackseedError {
  return new RackseedError(title, {
    reason: `the BMC at ${address} rejects the password of ${user}, or the user.`,
    remedy:
      "set it again: rackseed node set NODE --power …; the BMC may have locked the user for some minutes.",
    status: 502,
  });
}

export function noSuchSystem(
  title: string,
  { address, path, known }: { address: string; path: string; known: readonly string[] },
): RackseedError {
  return new RackseedError(title, {
    reason: `the BMC at ${address} has no system ${path}; it has ${known.join(", ") || "none"}.`,
    remedy: `name one of them: rackseed node set NODE --power redfish://USER@${address}PATH`,
    status: 502,
  });
}

export function unsupported(
  title: string,
  { what, instead }: { what: string; instead: string },
): RackseedError {
  return new RackseedError(title, {
    reason: `the BMC does not support ${what}.`,
    remedy: instead,
    status: 501,
  });
}

export function refused(title: string, { reason }: { reason: string }): RackseedError {
  return new RackseedError(title, {
    reason: sentence(reason),
    remedy: "see the BMC's own page and its log; a reset of the BMC helps if it is busy for long.",
    status: 502,
  });
}

/** Text of a BMC: one line, bounded, with a full stop. */
export function sentence(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, " ").trim().slice(0, 600);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
