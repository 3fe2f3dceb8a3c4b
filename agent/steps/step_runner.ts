/**
 * Runs steps: each is shown, reported and timed, and the first failure ends the chain. A chain is an async function
 * that awaits one step after the other. What a step returns the later steps take as arguments, so the compiler knows
 * the order; a step that is not needed is an `if`.
 */
import type { Step } from "#contract/api/steps.ts";
import { RunningStep, type StepSurroundings } from "./running_step.ts";
import type { StepOutcome, StepProgress } from "./step.ts";

/**
 * @example What a step returns, the next one takes
 * ```ts
 * import assert from "node:assert/strict";
 * import { TerminalConsole } from "../sys/console.ts";
 * import { LogTail } from "./log_tail.ts";
 * import { Reporter } from "./reporter.ts";
 * import { StepRunner } from "./step_runner.ts";
 *
 * let shown = "";
 * const terminal = { path: "/dev/tty0", read: () => Promise.resolve(null), write: (text: string) => shown += text };
 * const steps = new StepRunner({
 *   reporter: new Reporter(),
 *   console: new TerminalConsole([terminal]),
 *   log: new LogTail(),
 *   signal: new AbortController().signal,
 * });
 * const { device } = await steps.run("plan", () => ({ message: "the only disk", device: "/dev/vda" }));
 * await steps.run("guard", () => ({ message: `${device} is free` }));
 * assert.match(shown, /\] plan: the only disk \(.*\] guard: \/dev\/vda is free \(/s);
 * ```
 */
export class StepRunner {
  readonly #surroundings: StepSurroundings;

  constructor(surroundings: StepSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Returns what `work` returns. Throws RackseedError if it fails, after the failure has been reported. */
  async run<R extends StepOutcome | void>(
    step: Step,
    work: (progress: StepProgress) => Promise<R> | R,
  ): Promise<R> {
    const { reporter, signal } = this.#surroundings;
    const running = new RunningStep(step, this.#surroundings);
    try {
      signal.throwIfAborted();
      // from the answer to the step before; the answer to this step's report is heard while the step runs
      reporter.cancelled.throwIfAborted();
      const result = await work(running);
      await running.done(result ?? {});
      return result;
    } catch (error) {
      throw await running.failed(error);
    }
  }
}
