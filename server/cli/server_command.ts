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
import { afterOptions, JSON_RESULT } from "./help_text.ts";
import type { Actions } from "./actions.ts";

const LOG_FORMATS = ["text", "json", "journal"] as const;

/** What the server's commands do, passed in by main.ts. */
type ServerActions = Pick<Actions, "runServer" | "backUpServer" | "restoreServer" | "signal">;

export function addServer(
  program: Command<[], Record<PropertyKey, never>>,
  { runServer, ...facts }: ServerActions,
): void {
  const server = program.command("server")
    // so that --data after `backup` is that command's own
    .enablePositionalOptions()
    .description("Run the image server: web page, API, network boot, and the swarm that spreads images.")
    .option("--data <dir>", "directory of the images, the database and the keys", DEFAULT_DATA)
    .addHelpText("after", afterOptions({ notes: NOTES, examples: EXAMPLES }));
  withOutput(withDhcp(withAddresses(server)))
    .action(async ({ dns, tftpPort, rsyncPort, secureBoot, json, verbose, ...options }, command) => {
      if (options.dhcp === "server" && options.interface === undefined) {
        command.error("error: --dhcp server needs --interface IF, the network to assign addresses in");
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

const NOTES = `
--dhcp server needs --interface. Without --dhcp-range it assigns addresses from
the upper half of that interface's network, 1000 at most.
With --dhcp off, set the boot file of your own DHCP server to undionly.kpxe
(BIOS) or snponly.efi (UEFI); this server offers both by TFTP.
A port of 0 takes any free port.`;

const EXAMPLES = [
  "rackseed server --interface eth1 --dhcp server --dhcp-range 10.0.0.100-10.0.0.199",
  "rackseed server --data /tmp/rs --listen 127.0.0.1:8443 --tftp-port off",
  "rackseed server --interface eth1 --upload-limit 800mbit",
];

function withAddresses<Args extends unknown[], Opts extends Record<string, unknown>>(
  command: Command<Args, Opts>,
) {
  return command
    .option(
      "--listen <host:port>",
      `HTTPS address of page and API (default: ${DEFAULT_LISTEN}, or the interface's)`,
      parseListen,
    )
    .option("--interface <if>", "network interface that faces the nodes")
    .option("--address <ip>", "address that nodes reach this server at (default: the interface's)", parseIpv4)
    .option(
      "--http-port <port>",
      "plain HTTP port: boot files, tracker, encrypted images",
      parsePort,
      DEFAULT_HTTP_PORT,
    )
    .option("--peer-port <port>", "port of the BitTorrent seeder", parsePort, DEFAULT_PEER_PORT)
    .option("--tracker-port <port>", "port of the UDP tracker", parsePort, DEFAULT_TRACKER_PORT)
    .option("--tftp-port <port>", "TFTP port, or off", parsePortOrOff, DEFAULT_TFTP_PORT as number | "off")
    .option(
      "--rsync-port <port>",
      "rsync port for torrent files, or off; the default is skipped if taken",
      parsePortOrOff,
      DEFAULT_RSYNC_PORT as number | "off",
    );
}

function withDhcp<Args extends unknown[], Opts extends Record<string, unknown>>(
  command: Command<Args, Opts>,
) {
  return command
    .addOption(
      new Option("--dhcp <mode>", "assign addresses by DHCP, or leave that to another server")
        .choices(["off", "server"] as const).default("off" as const),
    )
    .option("--dhcp-range <first-last>", "addresses to assign, e.g. 10.0.0.100-10.0.0.199", parseRange)
    .addOption(
      new Option("--dhcp-clients <who>", "answer known nodes and network boots only, or all")
        .choices(["nodes", "all"] as const).default("nodes" as const),
    )
    .option("--gateway <ip>", "default gateway for DHCP clients", parseIpv4)
    .option("--dns <ip>", "name server for DHCP clients (repeatable)", collectIpv4)
    .option("--secure-boot", "boot UEFI machines through shim and the signed GRUB");
}

function withOutput<Args extends unknown[], Opts extends Record<string, unknown>>(
  command: Command<Args, Opts>,
) {
  return command
    .option(
      "--upload-limit <rate>",
      "limit of all image uploads, e.g. 800mbit or 100MB/s, or off (default: last setting)",
      parseRateOrOff,
    )
    .option("--metrics-open", "serve /metrics without a token, to anyone who reaches the page")
    .addOption(
      new Option("--log-format <format>", "form of the log (default: journal under systemd, else text)")
        .choices(LOG_FORMATS),
    )
    .option("--json", "print one line of JSON once all services are listening")
    .option("--verbose", "log debug events, and every repeat of an event");
}

function addServerBackup(
  server: Command,
  { backUpServer, restoreServer, signal }: Omit<ServerActions, "runServer">,
): void {
  withServer(server.command("backup"), { heading: "Connection (default: the server on --data):" })
    .description("Save all of the server except the image data to one tar file.")
    .argument("<file>", "tar file to create (mode 0600)")
    .option("--data <dir>", "data directory, if no --server is given", DEFAULT_DATA)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Saves the database, keys, tokens, certificates and node identities, and a list
of the image data; copy that separately: packs/ and versions/ in the data
directory. The server may be running.
The file holds every secret of the site: keep it safe.`,
        examples: ["rackseed server backup /mnt/usb/rackseed-monday.tar"],
      }),
    )
    .action(async (file, options) => await backUpServer(file, { ...options, signal }));
  server.command("restore")
    .description("Restore a backup of the server, and list the image data that is still missing.")
    .argument("<file>", "tar file written by `rackseed server backup`")
    .option("--data <dir>", "data directory, empty or of a stopped server", DEFAULT_DATA)
    .option("--force", "move existing data aside, into a folder of the data directory")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: "Nodes and agents recognize the restored server as the one they knew.",
        examples: ["rackseed server restore /mnt/usb/rackseed-monday.tar --data /var/lib/rackseed"],
      }),
    )
    .action(async (file, { data, force = false, json = false }) =>
      await restoreServer(file, { data, force, json })
    );
}
