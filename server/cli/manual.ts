/** `rackseed man` and `rackseed completion`. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { UsageError } from "../words/usage.ts";
import { allCommands, type CommandFacts, commandTree } from "./command_tree.ts";
import { completionOf, type Shell } from "./completion.ts";
import { manPage, pageName } from "./man_page.ts";
import { print } from "./terminal.ts";

export function printCompletion(program: CommandUnknownOpts, shell: Shell): void {
  print(completionOf(commandTree(program), shell).trimEnd());
}

/** Prints the page of a command, or writes all pages into `out`. Throws UsageError for an unknown command. */
export function printManual(
  program: CommandUnknownOpts,
  { words, out, version }: { words: readonly string[]; out: string | undefined; version: string },
): void {
  const tree = commandTree(program);
  const all = allCommands(tree);
  const pageOf = (command: CommandFacts) =>
    manPage(command, { version, parent: all.find(({ commands }) => commands.includes(command)) });
  if (out !== undefined) {
    Deno.mkdirSync(out, { recursive: true });
    for (const command of all) Deno.writeTextFileSync(`${out}/${pageName(command.path)}.1`, pageOf(command));
    return;
  }
  const path = [tree.path, ...words].join(" ");
  const command = all.find((other) => other.path === path);
  if (command === undefined) throw new UsageError(`there is no command ${JSON.stringify(path)}`);
  print(pageOf(command).trimEnd());
}
