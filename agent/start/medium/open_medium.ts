/** Opens what is sealed on a medium, by the code that a person types, or by its own if it is unattended. */
import { type MediumContents, openContents, parseCode } from "#contract/format/medium.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Console } from "../../sys/console.ts";
import type { FoundMedium } from "./find_medium.ts";

/** A person may be on the way to the machine. */
const PERSON_MS = 24 * 3_600_000;

/** Asks until the code is right. Throws RackseedError if nobody types one for a day. */
export async function openMedium(
  { description: { id, image, kind, sealed, code } }: Pick<FoundMedium, "description">,
  { console, signal }: { console: Pick<Console, "line" | "ask">; signal: AbortSignal },
): Promise<MediumContents> {
  if (code !== undefined) return openContents(sealed, { id, code });
  console.line("");
  const what = kind === "packs" ? `It carries ${image}, and can install it.` : `It boots by ${image}.`;
  console.line(`This machine was started from the medium ${id}. ${what}`);
  for (;;) {
    const answer = await console.ask("code of the medium", { limitMs: PERSON_MS, signal });
    if (answer.by === "time") throw nobody(id);
    const typed = parseCode(answer.text);
    if (typed === undefined) {
      console.line("Not accepted: a code has four groups of four letters and digits.");
      continue;
    }
    try {
      return openContents(sealed, { id, code: typed });
    } catch (error) {
      if (!(error instanceof RackseedError)) throw error;
      console.line(`Not accepted: ${error.reason}`);
    }
  }
}

function nobody(id: string): RackseedError {
  return new RackseedError(`cannot open the medium ${id}`, {
    reason: "nobody typed its code.",
    remedy: "restart the machine, and type the code that `rackseed medium` printed.",
  });
}
