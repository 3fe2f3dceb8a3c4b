/** A certificate authority that a setting names. */
import { messageOf, RackseedError } from "#contract/errors.ts";

/** Undefined without a file. `title`: what needs it. Throws RackseedError. */
export function readAuthority(
  path: string | undefined,
  { setting, title }: { setting: string; title: string },
): string | undefined {
  if (path === undefined) return undefined;
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new RackseedError(title, {
      reason: `${setting}: ${messageOf(error)}.`,
      remedy: "name a PEM file with the certificate of the authority.",
      cause: error,
    });
  }
}
