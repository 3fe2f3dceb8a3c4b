/** `rackseed server join`, `take-over` and `standby …`, and their options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { DEFAULT_DATA } from "./defaults.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

export function addStandby(
  server: Command<[], Record<PropertyKey, never>>,
  { joinServer, signal }: Pick<Actions, "joinServer" | "signal">,
): void {
  server.command("join")
    .description("Make this machine a standby: a second server that follows another one.")
    .argument("<url>", "https://HOST:PORT of that server, at its own address")
    .requiredOption("--token <token>", "one-time token from `rackseed server standby add`")
    .option("--data <dir>", "data directory, empty or of a stopped server", DEFAULT_DATA)
    .option("--force", "move existing data aside, into a folder of the data directory")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Fetches a copy of the database, keys, certificates and identities, and ends.
Start the server on this data directory then: it follows, and copies the images.`,
        examples: ["rackseed server join https://10.0.0.1:8443 --token rs1.…"],
      }),
    )
    .action(async (url, { data, token, force = false }) =>
      await joinServer(url, { data, token, force, signal })
    );
  withServer(server.command("take-over"), { heading: "Connection (default: the server on --data):" })
    .description("On a standby: become the server, in place of the one that it follows.")
    .option("--data <dir>", "data directory, if no --server is given", DEFAULT_DATA)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Stops the other server first if it can be reached; then nothing is lost. On a
server that serves already it does nothing, so keepalived may call it.`,
        examples: ["rackseed server take-over"],
      }),
    )
    .action(async (options) => await (await import("./standbys.ts")).takeOver({ ...options, signal }));
  addStandbys(server, { signal });
}

function addStandbys(
  server: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  const standby = server.command("standby")
    .description("List the standbys of this server, add and remove them.")
    .addHelpText("after", afterOptions({ examples: ["rackseed server standby list"] }));
  withServer(standby.command("list"))
    .description("Show how far each standby is, and the last take-over.")
    .option("--data <dir>", "data directory, if no --server is given", DEFAULT_DATA)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed server standby list"] }))
    .action(async (options) => await (await import("./standbys.ts")).listStandbys({ ...options, signal }));
  withServer(standby.command("add"))
    .description("Make a token by which one machine can become a standby, within an hour.")
    .argument("<name>", "name of the standby")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: "A standby gets every secret of the site.",
        examples: ["rackseed server standby add b"],
      }),
    )
    .action(async (name, options) =>
      await (await import("./standbys.ts")).addStandby(name, { ...options, signal })
    );
  withServer(standby.command("remove"))
    .description("Remove a standby: it can no longer follow.")
    .argument("<name>", "name of the standby")
    .addHelpText("after", afterOptions({ examples: ["rackseed server standby remove b"] }))
    .action(async (name, options) =>
      await (await import("./standbys.ts")).removeStandby(name, { ...options, signal })
    );
}
