/** `rackseed node discover` and `rackseed node hardware`, and their options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT, NODES } from "./help_text.ts";

export function addHardware(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(node.command("discover"))
    .description("Read the hardware of nodes at their next network boot, and write nothing.")
    .argument("<node...>", `${NODES}; MAC addresses of \`rackseed machine list\``)
    .option("--image <image>", "image whose kernel to boot (default: the nodes', else the newest)")
    .option("--wait", "wait until the hardware is known")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The machine boots an agent that reads processors, memory modules, disks with
their health, NICs with link and switch port (LLDP, up to 35 s), PCI devices,
firmware and the address of its management controller. The kernel write-protects
all disks meanwhile. Then the machine starts from its own disk.`,
        examples: [
          "rackseed node discover n1 n2 --wait",
          "rackseed node discover 52:54:00:12:34:56   # of `rackseed machine list`",
        ],
      }),
    )
    .action(async (nodes, options) =>
      await (await import("./hardware.ts")).discoverNodes(nodes, { ...options, signal })
    );
  withServer(node.command("hardware"))
    .description("Show the hardware of nodes, and what changed in it.")
    .argument("<node...>", NODES)
    .option("--accept", "take the hardware as it is now: what changed is no longer flagged")
    .option("--forget-tpm", "take the next TPM that the node shows for its own")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Each network boot of the agent reads the hardware again; only the command
\`rackseed node discover\` also reads links, switch ports and the management
controller. What differs from the hardware that was last accepted is flagged
until it is as before, or accepted. A disk that expects to fail is flagged until
it is replaced.`,
        examples: ["rackseed node hardware n1", "rackseed node hardware n1 --accept"],
      }),
    )
    .action(async (nodes, options) =>
      await (await import("./hardware.ts")).showHardware(nodes, { ...options, signal })
    );
}
