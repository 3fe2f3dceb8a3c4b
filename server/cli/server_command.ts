/** `rackseed server` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import {
  collectIpv4,
  parseIpv4,
  parseListen,
  parsePort,
  parsePortOrOff,
  parseRange,
  parseRateOrOff,
} from "./arguments.ts";
import {
  DEFAULT_DATA,
  DEFAULT_HTTP_PORT,
  DEFAULT_LISTEN,
  DEFAULT_PEER_PORT,
  DEFAULT_RSYNC_PORT,
  DEFAULT_TFTP_PORT,
  DEFAULT_TRACKER_PORT,
} from "./defaults.ts";
import { withServer } from "./connection_options.ts";
import { examples } from "./examples.ts";
import type { Actions } from "./actions.ts";

/** What the server's commands do; main.ts brings it along. */
type ServerActions = Pick<Actions, "runServer" | "backUpServer" | "restoreServer" | "signal">;

export function addServer(
  program: Command<[], Record<PropertyKey, never>>,
  { runServer, ...facts }: ServerActions,
): void {
  const server = program.command("server")
    // so that --data after `backup` is that command's own
    .enablePositionalOptions()
    .description("Run the image server: captures, images, boot services, swarm, page and API.")
    .option("--data <dir>", "where everything is kept", DEFAULT_DATA)
    .option(
      "--listen <host:port>",
      `HTTPS: page and API (default: the interface's address or ${DEFAULT_LISTEN})`,
      parseListen,
    )
    .option("--interface <if>", "the network interface that the nodes are on")
    .option("--address <ip>", "the address that nodes are told (default: the interface's)", parseIpv4)
    .option(
      "--http-port <port>",
      "plain HTTP: boot files, tracker, sealed packs",
      parsePort,
      DEFAULT_HTTP_PORT,
    )
    .option("--peer-port <port>", "BitTorrent seeder", parsePort, DEFAULT_PEER_PORT)
    .option("--tracker-port <port>", "UDP tracker", parsePort, DEFAULT_TRACKER_PORT)
    .option("--tftp-port <port>", "TFTP, or off", parsePortOrOff, DEFAULT_TFTP_PORT as number | "off")
    .option(
      "--rsync-port <port>",
      "rsync: torrent files, or off; the default only where it is free",
      parsePortOrOff,
      DEFAULT_RSYNC_PORT as number | "off",
    )
    .addOption(
      new Option("--dhcp <mode>", "give addresses and boot options, or leave DHCP alone")
        .choices(["off", "server"] as const).default("off" as const),
    )
    .option("--dhcp-range <first-last>", "addresses to give", parseRange)
    .addOption(
      new Option("--dhcp-clients <who>", "answer nodes and machines that boot from the network, or everybody")
        .choices(["nodes", "all"] as const).default("nodes" as const),
    )
    .option("--gateway <ip>", "the gateway that DHCP clients are told", parseIpv4)
    .option("--dns <ip>", "a name server that DHCP clients are told; may be given again", collectIpv4)
    .option("--secure-boot", "boot UEFI machines by shim and the signed GRUB")
    .option(
      "--upload-limit <rate>",
      "what seeder and web seed together send at most, as 800mbit or 100MB/s, or off (default: as set before)",
      parseRateOrOff,
    )
    .option("--json", "print one line of JSON when all listens")
    .option("--verbose", "log more")
    .addHelpText(
      "after",
      examples(
        "rackseed server --interface eth1 --dhcp server --dhcp-range 10.0.0.100-10.0.0.199",
        "rackseed server --data /tmp/rs --listen 127.0.0.1:8443 --tftp-port off",
        "rackseed server --interface eth1 --upload-limit 800mbit",
      ),
    )
    .action(async ({ dns, tftpPort, rsyncPort, secureBoot, json, verbose, ...options }, command) => {
      if (options.dhcp === "server" && options.interface === undefined) {
        command.error("error: --dhcp server needs --interface IF: the network that it gives addresses in");
      }
      await runServer({
        ...options,
        tftpPort: tftpPort === "off" ? undefined : tftpPort,
        rsyncPort: rsyncPort === "off" ? undefined : rsyncPort,
        rsyncMayFail: command.getOptionValueSource("rsyncPort") === "default",
        dns: dns ?? [],
        secureBoot: secureBoot ?? false,
        json: json ?? false,
        verbose: verbose ?? false,
      });
    });
  addServerBackup(server as unknown as Command, facts);
}

function addServerBackup(
  server: Command,
  { backUpServer, restoreServer, signal }: Omit<ServerActions, "runServer">,
): void {
  withServer(server.command("backup"))
    .description(
      "Write the server's own facts to one file: database, keys, tokens, certificates, node identities. Packs are " +
        "not in it, only their list. The server may run. The file holds every secret of the site.",
    )
    .argument("<file>", "a new tar file (mode 0600)")
    .option("--data <dir>", "the data directory, if no --server is given", DEFAULT_DATA)
    .addHelpText("after", examples("rackseed server backup /mnt/usb/rackseed-monday.tar"))
    .action(async (file, options) => await backUpServer(file, { ...options, signal }));
  server.command("restore")
    .description(
      "Put a backup back into an empty data directory, or into that of a stopped server; then list the packs and " +
        "versions that are missing there. Nodes and agents find the same server again.",
    )
    .argument("<file>", "what `rackseed server backup` wrote")
    .option("--data <dir>", "the data directory", DEFAULT_DATA)
    .option("--force", "set the facts that are there aside, in a folder of the data directory")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      examples("rackseed server restore /mnt/usb/rackseed-monday.tar --data /var/lib/rackseed"),
    )
    .action(async (file, { data, force = false, json = false }) =>
      await restoreServer(file, { data, force, json })
    );
}
