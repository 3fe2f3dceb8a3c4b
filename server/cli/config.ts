/** `rackseed config`: the settings of the server, without starting it. */
import { readSettingSources, serverCommand } from "./load_settings.ts";
import { effectiveSettings } from "./setting_sources.ts";
import { settingsAsFile } from "./settings_text.ts";
import { print, printJson, printTable, remark } from "./terminal.ts";

interface ConfigOptions {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Prints each setting with its source. Throws RackseedError or UsageError if the server would not start with them. */
export function checkConfig({ config, json = false }: ConfigOptions): void {
  const read = readSettingSources(config);
  const settings = effectiveSettings(read.sources);
  serverCommand({}, read);
  if (json) return printJson({ file: read.file ?? null, settings });
  printTable(
    ["setting", "value", "from"],
    settings.map(({ name, texts, from }) => [name, texts.length === 0 ? "-" : texts.join(" "), from]),
  );
  remark(read.file === undefined ? "valid; there is no file of settings" : `valid: ${read.file}`);
}

/** Prints the settings as a file that `--config` reads. */
export function showConfig({ config }: ConfigOptions): void {
  print(settingsAsFile(effectiveSettings(readSettingSources(config).sources)).trimEnd());
}
