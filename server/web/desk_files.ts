/** The desk's script and style, which `deno task build` bundles (scripts/build/desk.ts). */
import { RackseedError } from "#contract/errors.ts";

const FOLDER = Deno.build.standalone
  ? new URL("./desk/", import.meta.url)
  : new URL("../../.cache/desk/", import.meta.url);

export const DESK_FILES = { "desk.js": "text/javascript", "desk.css": "text/css" } as const;
export type DeskFile = keyof typeof DESK_FILES;

const texts = new Map<DeskFile, string>();

/** Throws RackseedError (500) if a server that runs from source has none. */
export function deskFile(name: DeskFile): string {
  const known = texts.get(name);
  if (known !== undefined) return known;
  try {
    const text = Deno.readTextFileSync(new URL(name, FOLDER));
    texts.set(name, text);
    return text;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new RackseedError("cannot show the page", {
      reason: `${name} was not built.`,
      remedy: "run `deno task build`, and load the page again.",
      status: 500,
    });
  }
}
