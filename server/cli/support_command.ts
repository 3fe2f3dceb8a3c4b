/** `rackseed support-bundle` and its options. */
import type { Command, CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { DEFAULT_CONFIG } from "./defaults.ts";
import { afterOptions } from "./help_text.ts";
import { flagsOf, optionOf } from "./server_command.ts";
import { SETTING_NAMES, settingOf } from "./settings.ts";

export function addSupportBundle(
  program: Command<[], Record<PropertyKey, never>>,
  { supportBundle, version, signal }: Pick<Actions, "supportBundle" | "version" | "signal">,
): void {
  const bundle = program.command("support-bundle")
    .description("Write what somebody who helps needs to know to one file, without secrets.")
    .argument("<file>", "file to create, tar.gz (mode 0600)")
    .option("--config <file>", `file of settings (default: ${DEFAULT_CONFIG}, if it exists)`)
    .option("--log <file>", "file with the server's log (default: the journal of rackseed.service)")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Run it as root on the server, whether or not the server runs, with the same
settings as the server. It changes nothing. The file holds versions, settings,
the findings of \`rackseed doctor\`, the end of the log, metrics, nodes with their
hardware, the steps of those that went wrong, images, captures, users, hooks
without their scripts, and webhooks without the paths of their URLs.
Secrets are left out: those in the server's files wherever they stand, and
whatever looks like a token, key or password. Names of machines, users and
addresses stay: look through the file before you send it.`,
        examples: ["rackseed support-bundle /mnt/usb/rackseed-support.tar.gz"],
      }),
    );
  for (const name of SETTING_NAMES) bundle.addOption(optionOf(name, settingOf(name)));
  bundle.action(async (file, { config, log }, command) => {
    const { readSettingSources, serverCommand } = await import("./load_settings.ts");
    const { effectiveSettings, settingValues } = await import("./setting_sources.ts");
    const flags = flagsOf(command as CommandUnknownOpts), read = readSettingSources(config);
    const values = settingValues(flags, read.sources);
    const secretFiles = SETTING_NAMES.filter((name) => settingOf(name).isSecretFile).map((name) =>
      values[name]
    );
    const server = serverCommand(flags, read);
    await supportBundle(file, {
      ...server,
      rsyncPort: server.rsyncPort,
      settings: { flags: Object.keys(flags), effective: effectiveSettings(read.sources) },
      secretFiles: secretFiles.filter((path) => typeof path === "string"),
      log,
      version,
      signal,
    });
  });
}
