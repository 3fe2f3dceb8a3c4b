/** `rackseed audit` and its options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { parseKnownLine, parseMoment, parseVersionCount } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, DURATION, JSON_RESULT } from "./help_text.ts";

export function addAudit(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  const audit = withServer(program.command("audit"))
    .description("Show who changed what, or was shown a secret, from where, when, and how it ended.")
    .option("--since <when>", "only from then on: a date, a time (UTC), or an age such as 24h", parseMoment)
    .option("--until <when>", "only up to then", parseMoment)
    .option("--action <code>", "only this action, e.g. node.deploy; --json shows the codes")
    .option("--user <name>", "only what this user did, with or without a token")
    .option("--node <node>", "only what concerns this node")
    .option("--limit <n>", "how many to show, the newest first", parseVersionCount, 100)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The newest comes first. An action without an outcome began, and the server
stopped before it was known how it ended.
${DURATION}`,
        examples: [
          "rackseed audit --since 24h",
          "rackseed audit --node n1 --limit 10 --json",
          "rackseed audit verify",
        ],
      }),
    )
    .action(async (options) => await (await import("./audit.ts")).showAudit({ ...options, signal }));
  withServer(audit.command("verify"))
    .description("Check that no line of the audit log was removed or changed.")
    .option("--file <file>", "check an exported file instead; needs no server")
    .option("--expect <line>", "NUMBER:HASH that the log must contain, as noted earlier", parseKnownLine)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Each line is hashed with the line before it, so that a change shows in the next
one. A person who can write the server's database can also write a new chain:
note the last line that is printed here, or keep the server's log elsewhere, and
give it with --expect. Exits 1 if anything is wrong.`,
        examples: ["rackseed audit verify", "rackseed audit verify --file audit.jsonl"],
      }),
    )
    .action(async (options) => await (await import("./audit.ts")).verifyAudit({ ...options, signal }));
  withServer(audit.command("export"))
    .description("Write the whole audit log with its hashes, one line of JSON for each.")
    .argument("<file>", "file to create (mode 0600)")
    .addHelpText("after", afterOptions({ examples: ["rackseed audit export audit.jsonl"] }))
    .action(async (file, options) =>
      await (await import("./audit.ts")).exportAudit(file, { ...options, signal })
    );
}
