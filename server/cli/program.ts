/**
 * The command line. What commands do is loaded when they run, so that --help answers at once; the server and the
 * agent themselves are given by main.ts.
 */
import type { Actions } from "./actions.ts";
import { Command, Option } from "@commander-js/extra-typings";
import {
  collect,
  collectIpv4,
  parseDurationOption,
  parseLevel,
  parsePrefixOrOff,
  parseRateOrNone,
  parseRateOrOff,
  parseSeedOption,
  parseVersion,
} from "./arguments.ts";
import { addBackup } from "./backup_command.ts";
import { DEFAULT_LEVEL } from "./defaults.ts";
import { examples } from "./examples.ts";
import { withServer } from "./connection_options.ts";
import { addHook } from "./hook_command.ts";
import { addImage } from "./image_command.ts";
import { addServer } from "./server_command.ts";

export function createProgram(actions: Actions): Command {
  const program = new Command("rackseed")
    .description("Turns one running machine into a cluster of its likeness, over the network.")
    .version(versionText(actions.version), "-V, --version", "print the version")
    // an option belongs to the command that it follows: `restore --version 2` is not ours
    .enablePositionalOptions()
    .exitOverride()
    // an option after a command is that command's: `server --data` and `server backup --data` are two
    .enablePositionalOptions()
    .addHelpText(
      "after",
      examples(
        "rackseed server --interface eth1 --dhcp server --dhcp-range 10.0.0.100-10.0.0.199",
        "rackseed capture web --image web",
        "rackseed node deploy n1 n2 --image web --wait",
      ),
    );
  addServer(program, actions);
  addAgent(program, actions);
  addCapture(program, actions);
  addTemplate(program, actions);
  addImage(program, actions);
  addNode(program, actions);
  addSwarm(program, actions);
  addHook(program, actions);
  program.command("version")
    .description("Print the version.")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed version"))
    .action(async ({ json }) => {
      const { print, printJson } = await import("./terminal.ts");
      const { version } = actions;
      if (json) printJson({ rackseed: version, runtime: Deno.version.deno });
      else print(versionText(version));
    });
  return program as unknown as Command;
}

function versionText(version: string): string {
  return `rackseed ${version} (Deno ${Deno.version.deno})`;
}

function addAgent(program: Command, { runTemplate, runInstall, signal }: Actions): void {
  const agent = program.command("agent")
    .description("Run on a template or on a node.")
    .addHelpText("after", examples("rackseed agent template --server https://10.0.0.1:8443 --token rs1.…"));
  withServer(agent.command("template"))
    .description("Announce this machine as a template and wait for captures.")
    .option("--name <name>", "the template's name (default: the host name)")
    .option("--root <dir>", "capture this directory instead of /")
    .option(
      "--state <dir>",
      "where it remembers what it captured last, to read only what has changed (default: /var/lib/rackseed/agent)",
    )
    .option("--allow-hooks", "run the pre-capture and post-capture hooks that the server has for an image")
    .addHelpText("after", examples("rackseed agent template --server https://10.0.0.1:8443 --token rs1.…"))
    .action(async ({ server, token, ...options }) => {
      const { resolveConnection } = await import("./connection.ts");
      await runTemplate({ ...resolveConnection({ server, token }), ...options, signal });
    });
  withServer(agent.command("install"))
    .description(
      "Install the image that this node is to bear. In the initramfs it takes all from the kernel.",
    )
    .option("--target <dir>", "install into an empty directory instead of onto the disks, or go on in one")
    .option("--restore", "the directory holds something: make it as the image has it, where that is ordered")
    .addHelpText(
      "after",
      examples("rackseed agent install --server https://10.0.0.1:8443 --token rs1.… --target /srv/n1"),
    )
    .action(async ({ server, token, target, restore }) =>
      await runInstall({ server, token, target, restore, signal })
    );
}

function addCapture(program: Command, { signal }: Actions): void {
  withServer(program.command("capture"))
    .description("Capture a template as the next version of an image, and wait for it. Ctrl-C calls it off.")
    .argument("<template>", "name of a template that has announced itself")
    .requiredOption("--image <name>", "the image")
    .option("--level <n>", "zstd level, 1 to 19", parseLevel, DEFAULT_LEVEL)
    .option("--exclude <glob>", "leave out what matches; may be given again", collect)
    .option("--json", "print the result as JSON")
    .addHelpText("after", examples("rackseed capture web --image web --exclude '/srv/cache/**'"))
    .action(async (template, { image, level, exclude, json, ...options }) => {
      const { captureTemplate } = await import("./capture.ts");
      await captureTemplate(template, {
        ...options,
        image,
        level,
        exclude: exclude ?? [],
        json: json ?? false,
        signal,
      });
    });
}

function addTemplate(program: Command, { signal }: Actions): void {
  const template = program.command("template")
    .description("Show the templates.")
    .addHelpText("after", examples("rackseed template list"));
  withServer(template.command("list"))
    .description("List the machines that announced themselves.")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed template list --json"))
    .action(async (options) => await (await import("./nodes.ts")).listTemplates({ ...options, signal }));
}

function addNode(program: Command, { signal }: Actions): void {
  const node = program.command("node")
    .description(
      "Work with nodes. NODE is a name, a MAC address or an id; where several may stand also a range as " +
        "'node[001-128]', or @GROUP.",
    )
    .addHelpText("after", examples("rackseed node list", "rackseed node deploy n1 n2 --image web --wait"));
  withServer(node.command("list"))
    .description("List the nodes with their state.")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed node list --json"))
    .action(async (options) => await (await import("./nodes.ts")).listNodes({ ...options, signal }));
  withServer(node.command("show"))
    .description("Show one node with its machine and the steps of its latest deployment.")
    .argument("<node>")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed node show n1"))
    .action(async (key, options) => await (await import("./nodes.ts")).showNode(key, { ...options, signal }));
  addNodeSet(node as unknown as Command, signal);
  withServer(node.command("delete"))
    .description("Forget nodes.")
    .argument("<node...>")
    .addHelpText("after", examples("rackseed node delete n1"))
    .action(async (keys, options) =>
      await (await import("./nodes.ts")).deleteNodes(keys, { ...options, signal })
    );
  withServer(node.command("deploy"))
    .description("Order nodes to be overwritten with an image, the next time they boot from the network.")
    .argument("<node...>")
    .requiredOption("--image <ref>", "the image")
    .addOption(seedOption("how long finished nodes seed (default: as `swarm show` has it)"))
    .option(
      "--first-boot-timeout <duration>",
      "a clone that has not reported so long after its installation is flagged (default: 10min)",
      parseDurationOption,
    )
    .addOption(
      new Option("--identity <how>", "how they come to their names and addresses, instead of their own way")
        .choices(["keep", "assign", "ask"] as const),
    )
    .option(
      "--ask-timeout <duration>",
      "with ask: after this the proposal is taken (default: 5min)",
      parseDurationOption,
    )
    .option("--force", "also a backup to another node than its own")
    .option("--wait", "wait until all run as clones, then say which was the slowest, and why")
    .option("--json", "print the answer as JSON; with --wait, how the deployment went as a second document")
    .addHelpText(
      "after",
      examples(
        "rackseed node deploy n1 n2 n3 --image web@3 --wait",
        "rackseed node deploy 'node[001-128]' --image web",
        "rackseed node deploy n1 --image web --identity keep --seed none",
      ),
    )
    .action(async (nodes, options) =>
      await (await import("./nodes.ts")).deploy(nodes, { ...options, signal })
    );
  withServer(node.command("restore"))
    .description(
      "Bring nodes back to their image the next time they boot from the network: only what differs is fetched " +
        "and written, what does not belong goes. Name, addresses and keys stay.",
    )
    .argument("<node...>")
    .option("--image <ref>", "another image, or the node's backup (default: the image that the nodes bear)")
    .option("--version <n>", "another version of it", parseVersion)
    .option("--keep <path...>", "leave this alone with all below it, beside what `image set` keeps")
    .option("--dry-run", "only tell what would change: nothing is written")
    .option(
      "--check-content",
      "believe no file without its SHA-256, as after a break-in or on a failing disk; it takes longer",
    )
    .option("--force", "also a backup to another node than its own")
    .option("--wait", "wait until it is done, then print what changed, or would")
    .option("--json", "print the answer as JSON; with --wait, the steps as a second document")
    .addHelpText(
      "after",
      examples(
        "rackseed node restore n1 --wait",
        "rackseed node restore n1 --keep /srv /home --dry-run --wait",
        "rackseed node restore n1 n2 --version 2",
      ),
    )
    .action(async (nodes, options) =>
      await (await import("./nodes.ts")).restore(nodes, { ...options, signal })
    );
  addBackup(node, { signal });
  withServer(node.command("cancel"))
    .description("Call the deployment of nodes off.")
    .argument("<node...>")
    .addHelpText("after", examples("rackseed node cancel n1 n2"))
    .action(async (nodes, options) =>
      await (await import("./nodes.ts")).cancelNodes(nodes, { ...options, signal })
    );
}

function addSwarm(program: Command, { signal }: Actions): void {
  const swarm = program.command("swarm")
    .description("See and set how images are spread: upload limits, racks, how long nodes seed.")
    .addHelpText("after", examples("rackseed swarm show", "rackseed swarm set --upload-limit 800mbit"));
  withServer(swarm.command("show"))
    .description("Show what holds for the whole site.")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed swarm show --json"))
    .action(async (options) => await (await import("./swarm.ts")).showSwarm({ ...options, signal }));
  withServer(swarm.command("set"))
    .description("Change what holds for the whole site. It takes effect at once and stays over a restart.")
    .option(
      "--upload-limit <rate>",
      "what the server's seeder and web seed together send at most, as 800mbit or 100MB/s, or off",
      parseRateOrOff,
    )
    .option(
      "--node-upload-limit <rate>",
      "what each node sends to others at most, where it has no limit of its own, or off",
      parseRateOrOff,
    )
    .option(
      "--rack-prefix <bits>",
      "nodes without a label share a rack where their addresses share so many bits, or off",
      parsePrefixOrOff,
    )
    .option("--server-rack <label>", "the rack that the server stands in, or off")
    .addOption(seedOption("how long finished nodes seed"))
    .option("--json", "print the settings as JSON")
    .addHelpText(
      "after",
      examples(
        "rackseed swarm set --upload-limit 800mbit --node-upload-limit off",
        "rackseed swarm set --rack-prefix 24 --seed while-needed:30min",
        "rackseed swarm set --server-rack a1",
      ),
    )
    .action(async ({ server, token, json, ...settings }) => {
      const { setSwarm } = await import("./swarm.ts");
      await setSwarm({ server, token, json, settings, signal });
    });
}

function addNodeSet(node: Command, signal: AbortSignal): void {
  withServer(node.command("set"))
    .description(
      'Name machines, or change what their clones are to be. The value "none" takes a setting away.',
    )
    .argument("<node...>")
    .option("--mac <mac>", "MAC address of the card that it boots from")
    .option("--hostname <name>", "host name of the clone (default: the node's name)")
    .option(
      "--address <address>",
      "what the clone bears: 10.0.0.5/24; dhcp; off for nothing on its first card; for several nodes a range, " +
        "10.0.0.11-10.0.0.138/24, or a rule from the name, '10.0.0.{n+10}/24'",
    )
    .option("--gateway <ip>", "its gateway")
    .option("--dns <ip>", "its name server; may be given again", collectIpv4)
    .option(
      "--interface <spec>",
      "further: MAC=ADDRESS, bond0=MAC+MAC[,MODE][=ADDRESS], bond0.100=ADDRESS or MAC.100=ADDRESS for a VLAN; " +
        "may be given again; replaces those there were",
      collect,
    )
    .addOption(
      new Option(
        "--identity <how>",
        "keep: what the old disk bears, else what the server remembers; assign: what is set here; " +
          "ask: a person at the console",
      ).choices(["keep", "assign", "ask", "none"] as const),
    )
    .option("--group <label>", "its group: @LABEL names all of them")
    .option("--disk <path>", "the disk to install to, below /dev/disk/by-path or by-id")
    .option("--rack <label>", "its rack: nodes with one label prefer each other as peers")
    .option(
      "--upload-limit <rate>",
      "what it sends to others at most, as 100mbit or 10MB/s; off: no limit; none: the site's",
      parseRateOrNone,
    )
    .addOption(
      new Option("--boot-program <name>", "for firmware that hangs with the usual one")
        .choices(["snponly.efi", "ipxe.efi", "none"] as const),
    )
    .option("--json", "print the nodes as JSON")
    .addHelpText(
      "after",
      examples(
        "rackseed node set n1 --mac 52:54:00:12:34:56 --address 10.0.0.11/24",
        "rackseed node set 'node[001-128]' --address 10.0.0.11-10.0.0.138/24 --group compute",
        "rackseed node set @compute --identity keep",
        "rackseed node set n1 --interface bond0=52:54:00:12:34:56+52:54:00:12:34:57 --interface bond0.7=dhcp",
      ),
    )
    .action(async (keys, { server, token, json, interface: interfaces, ...settings }) => {
      const { setNodes } = await import("./node_set.ts");
      await setNodes(keys, { server, token, json, settings: { ...settings, interfaces }, signal });
    });
}

function seedOption(description: string) {
  return new Option(
    "--seed <policy>",
    `${description}: none, while-needed, while-needed:DURATION or for:DURATION`,
  ).argParser(parseSeedOption);
}
