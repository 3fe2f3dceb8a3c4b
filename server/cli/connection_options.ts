import { type Command, Option } from "@commander-js/extra-typings";
import { CONNECTION } from "./help_text.ts";

/** Adds the options of every command that talks to a server. */
export function withServer<
  Args extends unknown[],
  Opts extends Record<string, unknown>,
  G extends Record<string, unknown>,
>(
  command: Command<Args, Opts, G>,
  { heading = CONNECTION }: { heading?: string } = {},
) {
  return command
    .addOption(
      new Option("--server <url>", "https://HOST:PORT of the server").env("RACKSEED_SERVER").helpGroup(
        heading,
      ),
    )
    .addOption(new Option("--token <token>", "access token").env("RACKSEED_TOKEN").helpGroup(heading));
}
