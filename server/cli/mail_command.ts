/** `rackseed mail` and its options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

export function addMail(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  const mail = program.command("mail")
    .description("Check the mail that tells people what happens here.")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Set mail-server, mail-from and mail-to, and others as needed, for the server.
Mail that the mail server does not take is sent again for about a day, then it
is in \`rackseed webhook failed\`, from where it can be sent once more.`,
        examples: ["rackseed mail test"],
      }),
    );
  withServer(mail.command("test"))
    .description("Send a test mail now.")
    .addHelpText("after", afterOptions({ examples: ["rackseed mail test"] }))
    .action(async (options) => await (await import("./mail.ts")).testMail({ ...options, signal }));
  withServer(mail.command("show"))
    .description("Show how mail is set, and what waits to be sent.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed mail show"] }))
    .action(async (options) => await (await import("./mail.ts")).showMail({ ...options, signal }));
}
