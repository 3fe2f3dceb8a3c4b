/**
 * What a server is besides its data: the file standby.json of the data directory (0600), which a standby does not copy.
 * Without it, a server has always been the only one of its site.
 */
import { z } from "zod";
import { TakeOver } from "#contract/api/standbys.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { readIfThere, writePrivateFile } from "../access/private_file.ts";

const Follows = z.object({
  role: z.literal("follows"),
  /** The server that it follows, at that server's own address. */
  server: z.string(),
  name: z.string(),
  pin: z.string(),
  secret: z.string(),
  /** When that server was last heard of, by its clock. */
  heardMs: z.int().optional(),
  /** Of that server. */
  epoch: z.int().min(1).optional(),
});
const Serves = z.object({ role: z.literal("serves"), takeOver: TakeOver });
const StandingFile = z.discriminatedUnion("role", [Follows, Serves]);
type StandingFile = z.infer<typeof StandingFile>;
export type Follows = z.infer<typeof Follows>;

export function readStanding(data: string): StandingFile | undefined {
  const path = pathIn(data), text = readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return StandingFile.parse(JSON.parse(text));
  } catch (error) {
    throw new RackseedError(`cannot read ${path}`, {
      reason: `${
        error instanceof SyntaxError ? messageOf(error) : "it has not the form that Rackseed writes"
      }.`,
      remedy:
        "on a standby, remove it and enrol again (rackseed server join); on the serving server, remove it.",
    });
  }
}

export function writeStanding(data: string, standing: StandingFile): void {
  writePrivateFile(pathIn(data), `${JSON.stringify(standing, undefined, 1)}\n`);
}

function pathIn(data: string): string {
  return `${data}/standby.json`;
}
