/** `rackseed node` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { parseDurationOption, parseSeedOption, parseVersion } from "./arguments.ts";
import { addBackup } from "./backup_command.ts";
import { addCheck } from "./check_command.ts";
import { withServer } from "./connection_options.ts";
import { UNLOCK } from "./arguments.ts";
import { afterOptions, DURATION, IMAGE, JSON_RESULT, NODES, ONE_NODE, SEED } from "./help_text.ts";
import { addHardware } from "./hardware_command.ts";
import { addHistory } from "./history_command.ts";
import { addNodeSet } from "./node_set_command.ts";
import { addPower, parseAtOnce } from "./power_command.ts";
import { addNodeTable } from "./node_table_command.ts";
import { addPlan } from "./plan_command.ts";
import { addBackupRehearsal } from "./rehearsal_command.ts";
import { addRecoveryKey } from "./recovery_key_command.ts";

type NodeCommand = Command<[], Record<PropertyKey, never>>;
type Signal = Pick<Actions, "signal">;

const PASSPHRASE_FILE = "file with the passphrase of encrypted volumes; - for standard input";
const FORCE = "also another node's backup, or to a disk that reports that it is failing";
const NOW = "restart running nodes into the installer at once, by their agents";
const REVIEW = "show what would happen to each node, and order nothing";
const REVIEWED = "order only if nothing changed since the review with this digest";
const finishOption = () =>
  new Option("--finish <how>", "override the nodes' own --finish setting").choices(
    ["reboot", "kexec"] as const,
  );

export function addNode(program: Command<[], Record<PropertyKey, never>>, { signal }: Signal): void {
  const node = program.command("node")
    .description("Name, configure, deploy, restore, back up and check nodes.")
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed node list", "rackseed node deploy n1 n2 --image web --wait"] }),
    );
  addQueries(node, { signal });
  addNodeSet(node, { signal });
  addDeploy(node, { signal });
  addRestore(node, { signal });
  addPower(node, { signal });
  addPlan(node, { signal });
  addBackup(node, { signal });
  addBackupRehearsal(node, { signal });
  addCheck(node, { signal });
  addRecoveryKey(node, { signal });
  addHardware(node, { signal });
  addHistory(node, { signal });
  addNodeTable(node, { signal });
  addCancel(node, { signal });
}

function addQueries(node: NodeCommand, { signal }: Signal): void {
  withServer(node.command("list"))
    .description("List all nodes with their state, progress, image and address.")
    .option("--switch-port", "show each node's switch and port instead, in their order")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed node list --json", "rackseed node list --switch-port"] }),
    )
    .action(async (options) => await (await import("./nodes.ts")).listNodes({ ...options, signal }));
  withServer(node.command("show"))
    .description("Show a node's settings, hardware and the steps of its latest deployment.")
    .argument("<node>", ONE_NODE)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed node show n1"] }))
    .action(async (key, options) => await (await import("./nodes.ts")).showNode(key, { ...options, signal }));
  withServer(node.command("delete"))
    .description("Remove nodes from the server; their disks are not touched.")
    .argument("<node...>", NODES)
    .option("--force", "also if the recovery key of an encrypted disk is lost with it")
    .addHelpText("after", afterOptions({ examples: ["rackseed node delete n1"] }))
    .action(async (keys, options) =>
      await (await import("./node_orders.ts")).deleteNodes(keys, { ...options, signal })
    );
}

function addDeploy(node: NodeCommand, { signal }: Signal): void {
  withServer(node.command("deploy"))
    .description("Overwrite nodes with an image, the next time they boot from the network.")
    .argument("<node...>", NODES)
    .requiredOption("--image <image>", `image to install: ${IMAGE}`)
    .addOption(new Option("--seed <policy>", SEED).argParser(parseSeedOption))
    .option(
      "--first-boot-timeout <duration>",
      "flag a clone that has not reported this long after install (default: 10min)",
      parseDurationOption,
    )
    .addOption(
      new Option("--identity <how>", "override the nodes' own --identity setting")
        .choices(["keep", "assign", "ask"] as const),
    )
    .option(
      "--ask-timeout <duration>",
      "with ask, time until the proposal is accepted (default: 5min)",
      parseDurationOption,
    )
    .addOption(
      new Option("--unlock <how>", "override the nodes' own --unlock setting").choices(UNLOCK),
    )
    .option("--passphrase-file <file>", PASSPHRASE_FILE)
    .option("--power", "start the nodes from the network now, a few at a time")
    .option("--at-once <n>", "with --power, nodes that are switched at one time (default: 8)", parseAtOnce)
    .option("--pause <duration>", "with --power, pause after each of them (default: 2s)", parseDurationOption)
    .option(
      "--arrive-timeout <duration>",
      "with --power, flag a node whose agent has not enrolled (default: 15min)",
      parseDurationOption,
    )
    .option("--no-plan-check", "also nodes whose last known disks cannot take the image")
    .option("--force", FORCE)
    .option("--now", NOW)
    .addOption(finishOption())
    .option("--review", REVIEW)
    .option("--reviewed <digest>", REVIEWED)
    .option("--wait", "wait until every node runs its clone; then name the slowest, and why")
    .option("--json", "print the order as JSON; with --wait, then the outcome")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The command arms the nodes: nothing happens until they boot from the network,
and \`rackseed node cancel\` disarms them. With --wait, a node that fails or does
not report makes the exit status 1. With --power, the server sets the network as
the next boot and restarts each node by its BMC, see \`rackseed node power\`.
With --now, the agent that runs on each node (\`rackseed node agent\`) restarts it
straight into the installer; neither network boot nor power control is needed. A
node that cannot do that is refused before any node is armed.
${DURATION}
Without --seed, finished nodes follow \`rackseed swarm show\`.
With --review, the disks that would be wiped with what was last seen on them,
names before and after, clashes and warnings; the exit status is 1 if the order
would be refused.
Identity (host name, addresses, SSH host keys):
  keep    from the old disk, else from the server's records
  assign  from \`rackseed node set\`
  ask     from a person at the node's console
Encrypted images: each node gets a key of its own, which it opens by
  passphrase  typed at each start; the command asks for it
  key-file    a file of the clone, which its initramfs holds, too
  tpm2        the node's TPM 2.0
and by a recovery key, see \`rackseed node recovery-key\`.`,
        examples: [
          "rackseed node deploy n1 n2 n3 --image web@3 --wait",
          "rackseed node deploy @compute --image web --review",
          "rackseed node deploy n1 --image vault --unlock tpm2",
          "rackseed node deploy 'node[001-128]' --image web",
          "rackseed node deploy @compute --image web --power --at-once 4 --wait",
          "rackseed node deploy n1 --image web --identity keep --seed none",
          "rackseed node deploy n1 --image web --now --finish kexec --wait",
        ],
      }),
    )
    .action(async (nodes, options) =>
      await (await import("./deploy.ts")).deploy(nodes, { ...options, signal })
    );
}

function addRestore(node: NodeCommand, { signal }: Signal): void {
  withServer(node.command("restore"))
    .description("Repair nodes at their next network boot, writing only what differs from the image.")
    .argument("<node...>", NODES)
    .option("--image <image>", "another image or a backup (default: the node's assigned image)")
    .option("--version <n>", "another version of that image", parseVersion)
    .option("--keep <path...>", "leave these paths alone, with everything below them")
    .option("--dry-run", "show what would change without writing anything")
    .option("--every-boot", "do it at each network boot, until node cancel calls it off")
    .option("--check-content", "hash every file instead of trusting unchanged timestamps; slower")
    .option("--passphrase-file <file>", PASSPHRASE_FILE)
    .option("--no-plan-check", "also nodes whose last known disks cannot take the image")
    .option("--force", FORCE)
    .option("--now", NOW)
    .addOption(finishOption())
    .option("--review", REVIEW)
    .option("--reviewed <digest>", REVIEWED)
    .option("--wait", "wait until done; then print what changed, or would change")
    .option("--json", "print the order as JSON; with --wait, then the steps")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Files that differ are rewritten; files that the image does not have are deleted.
Kept are the node's name, addresses and keys, the paths given with --keep here
or in \`rackseed image set\`, paths that the capture excluded, and what a running
system writes, such as /var/log.
Use --check-content after a break-in or on a failing disk.

--every-boot is for classrooms and labs: each boot from the network restores the
node, with every check of an ordinary restore. Without --image that is the image
that the node has; with --image NAME, its latest version. The server keeps a
passphrase sealed until the order is called off: \`rackseed node cancel\`.

With --now, the agent that runs on each node (\`rackseed node agent\`) restarts it
straight into the installer; neither network boot nor power control is needed.`,
        examples: [
          "rackseed node restore n1 --wait",
          "rackseed node restore n1 --now --wait",
          "rackseed node restore n1 --keep /srv /home --dry-run --wait",
          "rackseed node restore n1 n2 --version 2",
          "rackseed node restore @lab --every-boot",
          "rackseed node restore n1 --image n1   # its backup",
        ],
      }),
    )
    .action(async (nodes, options) =>
      await (await import("./node_orders.ts")).restore(nodes, { ...options, signal })
    );
}

function addCancel(node: NodeCommand, { signal }: Signal): void {
  withServer(node.command("cancel"))
    .description("Cancel the orders for nodes, and what holds for every boot.")
    .argument("<node...>", NODES)
    .addHelpText("after", afterOptions({ examples: ["rackseed node cancel n1 n2"] }))
    .action(async (nodes, options) =>
      await (await import("./node_orders.ts")).cancelNodes(nodes, { ...options, signal })
    );
}
