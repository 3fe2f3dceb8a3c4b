/** `rackseed install-service` and `uninstall-service`. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { afterOptions } from "./help_text.ts";

const ROOT = "tree of another system, e.g. an image that is being made";

export function addService(
  program: Command<[], Record<PropertyKey, never>>,
  { installService, uninstallService }: Pick<Actions, "installService" | "uninstallService">,
): void {
  program.command("install-service")
    .description("Install this program as a service of systemd, with a user and a sandbox of its own.")
    .option("--dry-run", "show what would be written without writing anything")
    .option("--root <dir>", ROOT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Makes the system user rackseed, the data directory, /etc/rackseed/server.yaml if
there is none, and the unit rackseed.service. It can run again, for instance
after \`data\` was changed in server.yaml. It does not start the service:
systemctl enable --now rackseed`,
        examples: ["rackseed install-service --dry-run", "rackseed install-service"],
      }),
    )
    .action(async ({ dryRun = false, root = "/" }) => {
      const { serviceSettings } = await import("./service_settings.ts");
      await installService({ ...serviceSettings(root), dryRun });
    });
  program.command("uninstall-service")
    .description("Stop the service and remove its unit and user, but no data and no changed settings.")
    .option("--dry-run", "show what would be removed without removing anything")
    .option("--root <dir>", ROOT)
    .addHelpText("after", afterOptions({ examples: ["rackseed uninstall-service --dry-run"] }))
    .action(async ({ dryRun = false, root = "/" }) => {
      const { serviceSettings } = await import("./service_settings.ts");
      await uninstallService({ ...serviceSettings(root), dryRun });
    });
}
