import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { firstError, messageOf, RackseedError } from "#contract/errors.ts";
import { createProgram } from "./program.ts";
import type { Actions } from "./actions.ts";
import { remark } from "./terminal.ts";
import { UsageError } from "../words/usage.ts";

const EXIT = { done: 0, failed: 1, wrongUse: 2 } as const;

/**
 * Runs one command and returns the exit code. Errors go to standard error and are never thrown.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import type { Actions } from "./actions.ts";
 *
 * async function example(actions: Actions) {
 *   assert.equal(await runCommandLine(["node", "list", "--json"], actions), 0);
 *   assert.equal(await runCommandLine(["node", "deploy"], actions), 2);
 * }
 * ```
 */
export async function runCommandLine(args: readonly string[], actions: Actions): Promise<number> {
  try {
    const program = createProgram(actions);
    // for an unknown command with --help, commander would print the help of its parent
    const words = namesUnknownCommand(program, args) ? args.filter((word) => !isHelp(word)) : args;
    await program.parseAsync([...words], { from: "user" });
    return EXIT.done;
  } catch (thrown) {
    const error = firstError(thrown);
    // commander has already printed the help, or its message
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
    if (error instanceof UsageError) {
      remark(`error: ${error.message}`);
      return EXIT.wrongUse;
    }
    if (actions.signal.aborted) remark("stopped");
    else if (error instanceof RackseedError) {
      remark(`error: ${error.title}: ${error.reason}\n  Remedy: ${error.remedy}`);
    } else remark(`error: ${messageOf(thrown)}`);
    return EXIT.failed;
  }
}

/** Whether the words before the first option name a command that does not exist. */
function namesUnknownCommand(program: ReturnType<typeof createProgram>, args: readonly string[]): boolean {
  let command: CommandUnknownOpts = program;
  for (const word of args.filter((word) => word !== "help")) {
    if (word.startsWith("-") || command.commands.length === 0) return false;
    const next = command.commands.find((c) => c.name() === word || c.aliases().includes(word));
    if (next === undefined) return true;
    command = next;
  }
  return false;
}

function isHelp(word: string): boolean {
  return ["help", "--help", "-h"].includes(word);
}
