/** `rackseed swarm` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { parsePrefixOrOff, parseRateOrOff, parseSeedOption } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, DURATION, JSON_RESULT, SEED } from "./help_text.ts";

export function addSwarm(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  const swarm = program.command("swarm")
    .description("Show or change how images spread: upload limits, racks and seeding.")
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed swarm show", "rackseed swarm set --upload-limit 800mbit"] }),
    );
  withServer(swarm.command("show"))
    .description("Show the site-wide settings.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed swarm show --json"] }))
    .action(async (options) => await (await import("./swarm.ts")).showSwarm({ ...options, signal }));
  withServer(swarm.command("set"))
    .description("Change the site-wide settings, at once and across restarts.")
    .option(
      "--upload-limit <rate>",
      "limit of the server's uploads, BitTorrent and web seed together; or off",
      parseRateOrOff,
    )
    .option(
      "--node-upload-limit <rate>",
      "limit of each node's uploads, unless the node has its own; or off",
      parseRateOrOff,
    )
    .option(
      "--rack-prefix <bits>",
      "leading address bits (8 to 31) shared by nodes of one rack; or off",
      parsePrefixOrOff,
    )
    .option("--server-rack <label>", "the server's own rack; or off")
    .addOption(new Option("--seed <policy>", SEED).argParser(parseSeedOption))
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
RATE is bits or bytes per second: 800mbit, 100MB/s.
${DURATION}
--rack-prefix applies to nodes without a --rack label of their own. Nodes prefer
peers in their own rack, so that an image crosses the links between racks once.`,
        examples: [
          "rackseed swarm set --upload-limit 800mbit --node-upload-limit off",
          "rackseed swarm set --rack-prefix 24 --seed while-needed:30min",
          "rackseed swarm set --server-rack a1",
        ],
      }),
    )
    .action(async ({ server, token, json, ...settings }) => {
      const { setSwarm } = await import("./swarm.ts");
      await setSwarm({ server, token, json, settings, signal });
    });
}
