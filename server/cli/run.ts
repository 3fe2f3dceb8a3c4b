import { CommanderError } from "@commander-js/extra-typings";
import { firstError, messageOf, RackseedError } from "#contract/errors.ts";
import { type Actions, createProgram } from "./program.ts";
import { remark } from "./terminal.ts";
import { UsageError } from "./usage.ts";

export const EXIT = { done: 0, failed: 1, wrongUse: 2 } as const;

/** Runs one command. Returns the exit code; whatever goes wrong is told on standard error, never thrown. */
export async function runCommandLine(args: readonly string[], actions: Actions): Promise<number> {
  try {
    await createProgram(actions).parseAsync([...args], { from: "user" });
    return EXIT.done;
  } catch (thrown) {
    const error = firstError(thrown);
    // commander has printed its message, and "did you mean" with it
    if (error instanceof CommanderError) {
      const answered = error.code === "commander.helpDisplayed" || error.code === "commander.version";
      return answered ? EXIT.done : EXIT.wrongUse;
    }
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
