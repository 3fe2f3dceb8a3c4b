import { type Command, Option } from "@commander-js/extra-typings";

/** The options of every command that talks to a server. */
export function withServer<
  Args extends unknown[],
  Opts extends Record<string, unknown>,
  G extends Record<string, unknown>,
>(
  command: Command<Args, Opts, G>,
) {
  return command
    .addOption(new Option("--server <url>", "https://HOST:PORT of the server").env("RACKSEED_SERVER"))
    .addOption(new Option("--token <token>", "its token").env("RACKSEED_TOKEN"));
}
