/** `rackseed server` and its options. */
import { type Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { DEFAULT_CONFIG, DEFAULT_DATA } from "./defaults.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";
import type { Actions } from "./actions.ts";
import { addStandby } from "./standby_command.ts";
import { type Setting, SETTING_NAMES, settingOf, type SettingValues } from "./settings.ts";

/** What the server's commands do, passed in by main.ts. */
type ServerActions = Pick<Actions, "runServer" | "backUpServer" | "restoreServer" | "joinServer" | "signal">;

export function addServer(
  program: Command<[], Record<PropertyKey, never>>,
  { runServer, ...facts }: ServerActions,
): void {
  const server = program.command("server")
    // so that --data after `backup` is that command's own
    .enablePositionalOptions()
    .description("Run the image server: web page, API, network boot, and the swarm that spreads images.")
    .option("--config <file>", `file of settings (default: ${DEFAULT_CONFIG}, if it exists)`)
    .option("--json", "print one line of JSON once all services are listening")
    .addHelpText("after", afterOptions({ notes: NOTES, examples: EXAMPLES }));
  for (const name of SETTING_NAMES) server.addOption(optionOf(name, settingOf(name)));
  server.action(async ({ config, json = false }, command) => {
    const { readSettingSources, serverCommand } = await import("./load_settings.ts");
    const flags = flagsOf(command as CommandUnknownOpts);
    const read = () => ({ ...serverCommand(flags, readSettingSources(config)), json });
    await runServer(read(), { reread: read });
  });
  addServerBackup(server as unknown as Command, facts);
  addStandby(server as unknown as Command, facts);
}

export function optionOf(
  name: string,
  { argument, description, choices, parse, fallback, many }: Setting,
): Option {
  const option = new Option(argument === undefined ? `--${name}` : `--${name} ${argument}`, description);
  if (choices) option.choices(choices);
  else if (many) {
    option.argParser((text, previous: unknown[] | undefined) => [...previous ?? [], parse(text)]);
  } else if (argument !== undefined) option.argParser(parse);
  if (argument !== undefined && fallback !== undefined) option.default(fallback);
  return option;
}

/** Only what the command line gives: defaults are weaker than the environment and the file. */
export function flagsOf(command: CommandUnknownOpts): Partial<SettingValues> {
  const given = command.options.filter((option) =>
    command.getOptionValueSource(option.attributeName()) === "cli"
  );
  return Object.fromEntries(
    given.map((option) => [option.long?.slice(2), command.getOptionValue(option.attributeName())]),
  );
}

const NOTES = `
--dhcp server needs --interface. Without --dhcp-range it assigns addresses from
the upper half of that interface's network, 1000 at most.
--dhcp6 server needs --interface, too: nodes then boot by IPv6 alone, with
addresses made of the interface's IPv6 network and their MAC addresses.
With --dhcp off, set the boot file of your own DHCP server to undionly.kpxe
(BIOS) or snponly.efi (UEFI); this server offers both by TFTP.
A port of 0 takes any free port.
Each option can stand in the file of settings as well (http-port: 8080) or in
the environment (RACKSEED_HTTP_PORT=8080). Options here win, then the
environment, then the file. See \`rackseed config --help\`.`;

const EXAMPLES = [
  "rackseed server --interface eth1 --dhcp server --dhcp-range 10.0.0.100-10.0.0.199",
  "rackseed server --interface eth1 --dhcp6 server",
  "rackseed server --data /tmp/rs --listen 127.0.0.1:8443 --tftp-port off",
  "rackseed server --interface eth1 --upload-limit 800mbit",
];

function addServerBackup(
  server: Command,
  { backUpServer, restoreServer, signal }: Omit<ServerActions, "runServer" | "joinServer">,
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
