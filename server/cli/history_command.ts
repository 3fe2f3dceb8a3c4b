/** `rackseed node history` and `rackseed node log`, and their options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { parseVersionCount } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT, ONE_NODE } from "./help_text.ts";

export function addHistory(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(node.command("history"))
    .description("Show what was ordered for a node and what happened to it, newest first.")
    .argument("<node>", ONE_NODE)
    .option("--limit <n>", "number of entries", parseVersionCount, 50)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Shown are installations, restores, backups, checks, boots from the network,
changes of settings and of hardware, and power, with who ordered them, how they
ended and how long they took. The server keeps the latest 500 events of a node,
100 of them boots. \`rackseed audit show --node NAME\` also has the addresses of
those who ordered, for admins.`,
        examples: ["rackseed node history n17", "rackseed node history n17 --limit 500 --json"],
      }),
    )
    .action(async (key, options) =>
      await (await import("./history.ts")).showHistory(key, { ...options, signal })
    );
  withServer(node.command("log"))
    .description("Show the steps of a node's latest order, and follow what its agent logs.")
    .argument("<node>", ONE_NODE)
    .option("--follow", "go on until the order ends, line by line")
    .option("--json", "print the steps as JSON; with --follow, then a line of JSON for each line")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The lines of the log are kept until the server restarts, 400 of each node; of a
step that failed, the end of the log is kept with the step.`,
        examples: ["rackseed node log n17", "rackseed node log n17 --follow"],
      }),
    )
    .action(async (key, options) =>
      await (await import("./history.ts")).showLog(key, { ...options, signal })
    );
}
