/** `rackseed secure-boot` and its options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

export function addSecureBoot(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(program.command("secure-boot"))
    .description("Show the site's Secure Boot key, and save the files that enrol it.")
    .option("-o, --output <dir>", "directory to write the files to")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The key is made when the server first starts with --signed-images, --sign-disks
or --request-mok. The files:
site.cer, site.pem               its certificate, for the firmware's db or MOK
db.auth, KEK.auth, PK.auth       the same for set-up mode, PK last; with
                                 Microsoft's certificates in db and KEK`,
        examples: ["rackseed secure-boot", "rackseed secure-boot --output keys"],
      }),
    )
    .action(async (options) =>
      await (await import("./secure_boot.ts")).showSecureBoot({ ...options, signal })
    );
}
