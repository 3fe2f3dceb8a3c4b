/** `rackseed machine` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

const LIST_NOTES = `
A machine is listed when it asks by DHCP, or fetches a boot file by TFTP or
HTTP, and is no node. It boots its own disk until it is adopted and deployed.
Requests less than a minute after one another count as one appearance. Of more
than 1000 machines, those that appeared only once are forgotten first.`;

const ADOPT_NOTES = `
Adopting a machine makes it a node with that name; nothing is installed on it
until it is deployed. With --names, machines get the names in this order:
  first-seen   the order in which they first appeared (default)
  switch-port  the order of their switches and ports, for machines whose
               inventory names the port (\`rackseed node discover MAC\`)
Names of existing nodes are skipped, so that the command can be repeated for the
next machines. Without MACs, it takes all machines that asked to boot from the
network. --address takes what \`rackseed node set\` takes: an address, a range or
a rule such as '10.0.0.{n+10}/24'.`;

export function addMachine(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  const machine = program.command("machine")
    .description("List machines that appeared on the network, and make nodes of them.")
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed machine list", "rackseed machine adopt --names 'node[001-128]'"] }),
    );
  withServer(machine.command("list"))
    .description("List machines that asked for an address or a boot file and are no nodes.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ notes: LIST_NOTES, examples: ["rackseed machine list"] }))
    .action(async (options) => await (await import("./machines.ts")).listMachines({ ...options, signal }));
  withServer(machine.command("adopt"))
    .description("Make nodes of machines, with a name or by a naming rule.")
    .argument("[mac...]", "MAC addresses of machines, as `rackseed machine list` shows them")
    .option("--name <name>", "name of the one machine")
    .option("--names <pattern>", "names of several machines: 'node[001-128]'")
    .addOption(
      new Option("--order <by>", "which machine gets the first name, see below")
        .choices(["first-seen", "switch-port"] as const).default("first-seen" as const),
    )
    .option("--address <address>", "addresses of the clones' first interfaces, see below")
    .option("--group <label>", "group; commands then take @LABEL for all of its nodes")
    .option("--rack <label>", "rack; nodes prefer peers in the same rack")
    .option("--dry-run", "show which machine would get which name")
    .option("--json", "print the nodes as JSON")
    .addHelpText(
      "after",
      afterOptions({
        notes: ADOPT_NOTES,
        examples: [
          "rackseed machine adopt 52:54:00:12:34:56 --name n5",
          "rackseed machine adopt --names 'node[001-128]' --address '10.0.0.{n+10}/24' --dry-run",
          "rackseed machine adopt --names 'r1n[01-40]' --order switch-port --rack r1",
        ],
      }),
    )
    .action(async (macs, options) =>
      await (await import("./machines.ts")).adoptMachines(macs, { ...options, signal })
    );
}
