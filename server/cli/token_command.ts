/** `rackseed token` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import { MAX_TOKEN_DAYS, ROLES } from "#contract/api/access.ts";
import type { Actions } from "./actions.ts";
import { parseVersionCount } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

export function addToken(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  const token = program.command("token")
    .description("Manage access tokens of users, and replace the admin token.")
    .addHelpText("after", afterOptions({ examples: ["rackseed token list"] }));
  withServer(token.command("list"))
    .description("List your tokens; for an admin, those of all users.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed token list"] }))
    .action(async (options) => await (await import("./tokens.ts")).listTokens({ ...options, signal }));
  withServer(token.command("add"))
    .description("Make a token, and print it once.")
    .argument("<name>", "what it is for: letters, digits, . _ -")
    .addOption(new Option("--role <role>", "at most your own role").choices(ROLES).makeOptionMandatory())
    .option("--user <name>", "whose token it is (default: yours); needs the role admin")
    .option("--days <n>", `how long it is valid, up to ${MAX_TOKEN_DAYS}`, parseVersionCount, 90)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
It never allows more than its user's role at that time. Make the first one on
the page, under your name. A token that was made with a token ends with it at
the latest.`,
        examples: ["rackseed token add ci --user anna --role operator --days 30"],
      }),
    )
    .action(async (name, options) =>
      await (await import("./tokens.ts")).addToken(name, { ...options, signal })
    );
  withServer(token.command("revoke"))
    .description("Revoke a token.")
    .argument("<name>", "the token's name, or its id")
    .option("--user <name>", "whose token it is, if names are not unique")
    .addHelpText("after", afterOptions({ examples: ["rackseed token revoke ci --user anna"] }))
    .action(async (name, options) =>
      await (await import("./tokens.ts")).revokeToken(name, { ...options, signal })
    );
  withServer(token.command("rotate-admin"))
    .description("Replace the admin token, and print the new one.")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The old one is invalid at once, and all sessions of the page end. The new one is
also in the file "token" of the data directory. Agents of templates that run
with the old one need the new one, or better, a token of their own.`,
        examples: ["rackseed token rotate-admin"],
      }),
    )
    .action(async (options) => await (await import("./tokens.ts")).rotateAdmin({ ...options, signal }));
}
