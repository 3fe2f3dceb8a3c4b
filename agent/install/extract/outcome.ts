/** The notes and errors that an install ends with. */
import { RackseedError } from "#contract/errors.ts";
import type { Shortfalls } from "./attributes.ts";

export function notesOf(shortfalls: Shortfalls): string[] {
  return [...shortfalls].map(([what, { count, example }]) =>
    count === 1 ? `${what} not kept: ${example}` : `${what} not kept ${count} times, for instance: ${example}`
  );
}

export function addShortfalls(into: Shortfalls, more: Shortfalls): void {
  for (const [what, { count, example }] of more) {
    const known = into.get(what);
    if (known) known.count += count;
    else into.set(what, { count, example });
  }
}

/** `code`: the errno's name, if the operating system refused. */
export function writeFailure(
  target: string,
  { reason, code, cause }: { reason: string; code: string | undefined; cause?: unknown },
): RackseedError {
  return new RackseedError(`cannot write the image to ${target}`, {
    reason: `${reason}.`,
    remedy: remedyOf(code),
    ...(cause !== undefined && { cause }),
  });
}

function remedyOf(code: string | undefined): string {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return "the target is full: use a larger disk, or free space.";
    case "EROFS":
    case "EIO":
    case "EUCLEAN":
      return "check the target's disk; see the kernel log for details.";
    case "EACCES":
    case "EPERM":
      return "run as root, or install into a directory that you own; if you are root, check the kernel log and `lsattr`.";
    default:
      return "check the kernel log, and start again with an empty target.";
  }
}
