/** `rackseed node power` and its options. */
import { type Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { parseDurationOption } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import type { PowerCommandOptions } from "./power.ts";
import { afterOptions, DURATION, JSON_RESULT, NODES } from "./help_text.ts";

type NodeCommand = Command<[], Record<PropertyKey, never>>;
type Signal = Pick<Actions, "signal">;

const AT_ONCE = "nodes that are switched at one time (default: 8)";
const PAUSE = "pause after a node before the next one in its place (default: 2s)";
const MEDIUM = "put this medium into the BMC's virtual drive, and boot from it";
const BOOT = "where they boot from, this once";

export function addPower(node: NodeCommand, { signal }: Signal): void {
  const power = node.command("power")
    .description("Switch nodes on and off by their BMC, by Wake-on-LAN or by a command of the site.")
    .addHelpText(
      "after",
      afterOptions({
        notes: "How a node is switched is set with `rackseed node set NODE --power …`.",
        examples: ["rackseed node power status @compute", "rackseed node power on 'n[1-64]' --at-once 4"],
      }),
    );
  addOn(power, { signal });
  addOff(power, { signal });
  addCycle(power, { signal });
  addStatus(power, { signal });
  addEject(power, { signal });
}

function addOn(power: NodeCommand, { signal }: Signal): void {
  withServer(power.command("on"))
    .description("Switch nodes on, and wait until their BMCs say that they are on.")
    .argument("<node...>", NODES)
    .addOption(new Option("--boot <target>", BOOT).choices(["network", "disk"] as const))
    .option("--medium <id>", MEDIUM)
    .option("--at-once <n>", AT_ONCE, parseAtOnce)
    .option("--pause <duration>", PAUSE, parseDurationOption)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ notes: DURATION, examples: ["rackseed node power on n1 n2"] }))
    .action(async (nodes, options) => await run(nodes, { ...options, action: "on", signal }));
}

function addOff(power: NodeCommand, { signal }: Signal): void {
  withServer(power.command("off"))
    .description("Ask the systems of nodes to shut down, and wait until they are off.")
    .argument("<node...>", NODES)
    .option("--hard", "cut the power at once; what is not written yet is lost")
    .option("--at-once <n>", AT_ONCE, parseAtOnce)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed node power off n1 n2"] }))
    .action(async (nodes, options) => await run(nodes, { ...options, action: "off", signal }));
}

function addCycle(power: NodeCommand, { signal }: Signal): void {
  withServer(power.command("cycle"))
    .description("Cut the power of nodes and switch them on again, or on if they are off.")
    .argument("<node...>", NODES)
    .addOption(new Option("--boot <target>", BOOT).choices(["network", "disk"] as const))
    .option("--medium <id>", MEDIUM)
    .option("--at-once <n>", AT_ONCE, parseAtOnce)
    .option("--pause <duration>", PAUSE, parseDurationOption)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: DURATION,
        examples: [
          "rackseed node power cycle n1 --boot network",
          "rackseed node power cycle n1 --medium 1a2b3c4d",
        ],
      }),
    )
    .action(async (nodes, options) => await run(nodes, { ...options, action: "cycle", signal }));
}

function addStatus(power: NodeCommand, { signal }: Signal): void {
  withServer(power.command("status"))
    .description("Ask the BMCs of nodes whether they are on.")
    .argument("<node...>", NODES)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed node power status n1 n2"] }))
    .action(async (nodes, options) => await run(nodes, { ...options, action: "status", signal }));
}

function addEject(power: NodeCommand, { signal }: Signal): void {
  withServer(power.command("eject"))
    .description("Eject what is in the virtual CD drives of nodes' BMCs.")
    .argument("<node...>", NODES)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: "The server does so by itself when an installation has ended.",
        examples: ["rackseed node power eject n1"],
      }),
    )
    .action(async (nodes, options) => await run(nodes, { ...options, action: "eject", signal }));
}

async function run(nodes: readonly string[], options: PowerCommandOptions): Promise<void> {
  await (await import("./power.ts")).switchNodes(nodes, options);
}

export function parseAtOnce(text: string): number {
  const number = Number(text);
  if (/^\d{1,3}$/.test(text) && number >= 1 && number <= 256) return number;
  throw new InvalidArgumentError("Expected a number from 1 to 256.");
}
