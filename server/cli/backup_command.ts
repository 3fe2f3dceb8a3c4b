/** `rackseed node backup` and `rackseed node agent`. */
import type { Command } from "@commander-js/extra-typings";
import { collect, parseEveryOrOff, parseLevel } from "./arguments.ts";
import { DEFAULT_LEVEL } from "./defaults.ts";
import { examples } from "./examples.ts";
import { withServer } from "./connection_options.ts";

export function addBackup(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: { signal: AbortSignal },
): void {
  withServer(node.command("backup"))
    .description(
      "Capture nodes one after the other, each by the agent that runs on it, as the next version of its own backup, which bears the node's " +
        "name; what it has from its image is neither sent nor stored again. With --every, from now on so often. With " +
        "--at-boot, where no agent runs or the node's own system is broken: at its next boot from the network its " +
        "disks are read, and nothing is written to them; then it starts its own system.",
    )
    .argument("<node...>")
    .option("--every <duration>", "not now but so often, for instance 24h; off ends it", parseEveryOrOff)
    .option("--at-boot", "at the next boot from the network, whatever the node's own system does")
    .option(
      "--image <ref>",
      "with --at-boot: boot it with this image's kernel instead of that of its own image",
    )
    .option("--wait", "with --at-boot: until the nodes are backed up")
    .option("--level <n>", "zstd level, 1 to 19", parseLevel, DEFAULT_LEVEL)
    .option("--exclude <glob>", "leave out what matches; may be given again", collect)
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      examples(
        "rackseed node backup n1",
        "rackseed node backup n1 --every 24h",
        "rackseed node backup n1 --at-boot --wait",
        "rackseed node restore n1 --image n1",
      ),
    )
    .action(async (nodes, { exclude, ...options }) => {
      const { backupNodes } = await import("./backup.ts");
      await backupNodes(nodes, { ...options, exclude: exclude ?? [], signal });
    });
  withServer(node.command("agent"))
    .description(
      "Print a shell script that runs the agent on the node as a systemd service, so that it can be backed up. It " +
        "holds a token that is good for this node's captures alone; the token before is void.",
    )
    .argument("<node>")
    .option("--json", "print the token as JSON instead")
    .addHelpText("after", examples("rackseed node agent n1 | ssh root@n1 sh"))
    .action(async (key, options) => {
      const { printAgent } = await import("./backup.ts");
      await printAgent(key, { ...options, signal });
    });
}
