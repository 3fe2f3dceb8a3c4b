/** `rackseed doctor` and its options. */
import type { Command, CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { DEFAULT_CONFIG } from "./defaults.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";
import { flagsOf, optionOf } from "./server_command.ts";
import { SETTING_NAMES, settingOf } from "./settings.ts";

export function addDoctor(
  program: Command<[], Record<PropertyKey, never>>,
  { runDoctor }: Pick<Actions, "runDoctor">,
): void {
  const doctor = program.command("doctor")
    .description("Examine this machine for what keeps the server from working, with a remedy for each fault.")
    .option("--config <file>", `file of settings (default: ${DEFAULT_CONFIG}, if it exists)`)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Run it as root on the server, whether or not the server runs, with the same
settings as the server. It changes nothing. It examines interface, other DHCP
servers, spanning tree's delay at network boots, ports, firewall, clock, limits,
space, data directory, certificates, the signing command, the files of all
versions and their bucket.
It fails if it finds a problem, not for a warning.`,
        examples: ["rackseed doctor --interface eth1 --dhcp server"],
      }),
    );
  for (const name of SETTING_NAMES) doctor.addOption(optionOf(name, settingOf(name)));
  doctor.action(async ({ config, json = false }, command) => {
    const { readSettingSources, serverCommand } = await import("./load_settings.ts");
    const settings = serverCommand(flagsOf(command as CommandUnknownOpts), readSettingSources(config));
    await runDoctor({ ...settings, rsyncPort: settings.rsyncPort, json });
  });
}
