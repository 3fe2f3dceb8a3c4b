/** `rackseed node backup` and `rackseed node agent`. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { collect, parseEveryOrOff, parseLevel } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { DEFAULT_LEVEL } from "./defaults.ts";
import { afterOptions, EXCLUDE, JSON_RESULT, LEVEL, NODES, ONE_NODE } from "./help_text.ts";

export function addBackup(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(node.command("backup"))
    .description("Back up running nodes now, or on a schedule, or at their next network boot.")
    .argument("<node...>", NODES)
    .option(
      "--every <duration>",
      "back up on a schedule (e.g. 24h) instead of now; off cancels it",
      parseEveryOrOff,
    )
    .option("--at-boot", "read the disks at the next network boot; needs no agent on the node")
    .option("--image <image>", "with --at-boot, image whose kernel to boot (default: the node's)")
    .option("--wait", "with --at-boot, wait until the nodes are backed up")
    .option("--level <n>", LEVEL, parseLevel, DEFAULT_LEVEL)
    .option("--exclude <glob>", EXCLUDE, collect)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
A backup is an image named after its node. Each run adds a version, and stores
only data that neither the node's image nor an earlier backup holds. Nodes are
backed up one after the other, by the agent that runs on each; to install it,
use \`rackseed node agent\`.

--at-boot is for nodes whose own system is broken or has no agent: it only reads
their disks, and then starts them as usual.`,
        examples: [
          "rackseed node backup n1",
          "rackseed node backup n1 --every 24h",
          "rackseed node backup n1 --at-boot --wait",
          "rackseed node restore n1 --image n1   # write the backup back",
        ],
      }),
    )
    .action(async (nodes, { exclude, ...options }) => {
      const { backupNodes } = await import("./backup.ts");
      await backupNodes(nodes, { ...options, exclude: exclude ?? [], signal });
    });
  withServer(node.command("agent"))
    .description("Print a script that installs the agent on a node, for backups, checks and restarts.")
    .argument("<node>", ONE_NODE)
    .option("--json", "print only the token, as JSON")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The script sets up a systemd service and expects this program as
/usr/local/bin/rackseed on the node. It holds a token that allows nothing but
captures and checks of this node, and its restart when that is ordered
(\`rackseed node restore --now\`). A new script invalidates the token of the
previous one.`,
        examples: ["rackseed node agent n1 | ssh root@n1 sh"],
      }),
    )
    .action(async (key, options) => {
      const { printAgent } = await import("./backup.ts");
      await printAgent(key, { ...options, signal });
    });
}
