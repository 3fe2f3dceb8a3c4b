/** `rackseed config` and its options. */
import type { Command } from "@commander-js/extra-typings";
import { DEFAULT_CONFIG } from "./defaults.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

const FILE = `file of settings (default: ${DEFAULT_CONFIG})`;

export function addConfig(program: Command<[], Record<PropertyKey, never>>): void {
  const config = program.command("config")
    .description("Check and show the settings of the server.")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
A setting has one name everywhere: http-port: in the file, RACKSEED_HTTP_PORT in
the environment, --http-port as a flag of \`rackseed server\`. A flag wins over
the environment, the environment over the file, the file over the default.`,
        examples: ["rackseed config check", "rackseed config show"],
      }),
    );
  config.command("check")
    .description("Check the settings without starting the server, and show where each comes from.")
    .argument("[file]", FILE)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed config check", "rackseed config check /tmp/server.yaml"] }),
    )
    .action(async (file, { json }) => (await import("./config.ts")).checkConfig({ config: file, json }));
  config.command("show")
    .description("Print the settings in effect as a file that the server can read.")
    .argument("[file]", FILE)
    .addHelpText("after", afterOptions({ examples: ["rackseed config show"] }))
    .action(async (file) => (await import("./config.ts")).showConfig({ config: file }));
}
