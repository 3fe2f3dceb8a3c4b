/** `rackseed node plan` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { UNLOCK } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, IMAGE, JSON_RESULT, NODES } from "./help_text.ts";

export function addPlan(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(node.command("plan"))
    .description("Show what a deployment would do to nodes' disks, without ordering anything.")
    .argument("<node...>", NODES)
    .requiredOption("--image <image>", `image to plan for: ${IMAGE}`)
    .addOption(new Option("--unlock <how>", "override the nodes' own --unlock setting").choices(UNLOCK))
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The plan is made from the disks that a node reported when it last booted from
the network. A node that has not booted yet makes its plan when it does; every
node plans again, and writes nothing if its plan is refused. With a refused
plan among them, the exit status is 1.
To see what is on those disks, names, clashes and warnings as well, for all of
the nodes together: rackseed node deploy NODE... --image IMAGE --review`,
        examples: [
          "rackseed node plan n1 --image web",
          "rackseed node plan 'node[001-128]' --image web@3 --json",
        ],
      }),
    )
    .action(async (keys, options) => {
      const { planNodes } = await import("./plan.ts");
      await planNodes(keys, { ...options, signal });
    });
}
