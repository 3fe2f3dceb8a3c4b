/** `rackseed node export` and `rackseed node import`, and their options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, NODES } from "./help_text.ts";

const TABLE = `
The table is CSV (RFC 4180, UTF-8). Its first line names the columns: name, mac,
hostname, group, rack, address, gateway, dns, interfaces, identity, disks,
unlock, boot-program. Several values in one cell stand apart by blanks.`;

export function addNodeTable(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(node.command("export"))
    .description("Write the settings of nodes as a table for spreadsheets.")
    .argument("[node...]", `${NODES} (default: all)`)
    .option("--output <file>", "new file for the table (default: standard output)")
    .addHelpText(
      "after",
      afterOptions({
        notes: `${TABLE}
A cell that a spreadsheet would run as a formula gets an apostrophe before it.`,
        examples: ["rackseed node export --output nodes.csv", "rackseed node export @compute"],
      }),
    )
    .action(async (nodes, options) =>
      await (await import("./node_table.ts")).exportNodes(nodes, { ...options, signal })
    );
  withServer(node.command("import"))
    .description("Create and change nodes from a table; all rows or none.")
    .argument("<file>", "the table; - for standard input")
    .option("--dry-run", "check the table without changing anything")
    .option("--json", "print the nodes as JSON")
    .addHelpText(
      "after",
      afterOptions({
        notes: `${TABLE}
Only the column name is needed. An empty cell clears that setting; settings
without a column stay. A bad row is named with its line, and then nothing is
imported.`,
        examples: ["rackseed node import nodes.csv --dry-run", "rackseed node import nodes.csv"],
      }),
    )
    .action(async (file, options) =>
      await (await import("./node_table.ts")).importNodes(file, { ...options, signal })
    );
}
