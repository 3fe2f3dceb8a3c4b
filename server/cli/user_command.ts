/** `rackseed user` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import { ROLES } from "#contract/api/access.ts";
import type { Actions } from "./actions.ts";
import { collect } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

const NAME = "user's name: lower-case letters, digits, . _ - @";
const ROLE = "what the user may do";
const GROUP = "an operator's group of nodes (repeatable)";

const ROLE_NOTES = `
Roles:
  viewer    sees everything but secrets
  operator  also captures, deploys, restores, backs up and sets up nodes; with
            --group only deploys, restores and backs up nodes of these groups
  admin     everything, also hooks, recovery keys, users and the audit log
An operator of a node is root on it: images run there as root.`;

export function addUser(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  const user = program.command("user")
    .description("Manage the people who may use the server, and their roles.")
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed user list", "rackseed user add anna --role operator"] }),
    );
  withServer(user.command("list"))
    .description("List all users.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed user list"] }))
    .action(async (options) => await (await import("./users.ts")).listUsers({ ...options, signal }));
  withServer(user.command("add"))
    .description("Add a user, and print a link to choose a password with.")
    .argument("<name>", NAME)
    .addOption(new Option("--role <role>", ROLE).choices(ROLES).makeOptionMandatory())
    .option("--group <label>", GROUP, collect)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `${ROLE_NOTES}\nThe link is good once, for 24 hours.`,
        examples: [
          "rackseed user add anna --role operator",
          "rackseed user add otto --role operator --group rack1 --group rack2",
        ],
      }),
    )
    .action(async (name, options) =>
      await (await import("./users.ts")).addUser(name, { ...options, signal })
    );
  withServer(user.command("set"))
    .description("Change a user's role or groups, reset the password, or refuse the user.")
    .argument("<name>", NAME)
    .addOption(new Option("--role <role>", ROLE).choices(ROLES))
    .option("--group <label>", GROUP, collect)
    .addOption(new Option("--all-nodes", "no longer limited to groups").conflicts("group"))
    .option("--reset-password", "forget the password, and print a link to choose another one")
    .addOption(new Option("--refuse", "accept neither logins nor tokens of the user").conflicts("admit"))
    .option("--admit", "accept a refused user again")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `${ROLE_NOTES}
The user's sessions end. Tokens stay, with the new role at most. A user who logs
in through the OpenID provider has the role from there, and comes back when
removed: refuse such a user.`,
        examples: [
          "rackseed user set anna --role viewer",
          "rackseed user set anna --reset-password",
          "rackseed user set anna --refuse",
        ],
      }),
    )
    .action(async (name, options) =>
      await (await import("./users.ts")).setUser(name, { ...options, signal })
    );
  withServer(user.command("remove"))
    .description("Remove a user with all sessions and tokens.")
    .argument("<name>", NAME)
    .addHelpText("after", afterOptions({ examples: ["rackseed user remove anna"] }))
    .action(async (name, options) =>
      await (await import("./users.ts")).removeUser(name, { ...options, signal })
    );
}
