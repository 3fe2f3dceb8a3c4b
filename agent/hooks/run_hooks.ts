/** Runs the hooks of one moment in order, and stops at the first required one that fails. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Hook } from "#contract/api/hooks.ts";
import { type HookContext, type HookResult, runHook } from "./run_hook.ts";

export interface HooksOutcome {
  /** "stop-db done (0.3 s); tidy exited 1 and is optional (0.1 s)" */
  readonly message: string;
  /** The output of all hooks, each below the hook's name. */
  readonly log: readonly string[];
}

interface HooksOptions extends Omit<HookContext, "onLine"> {
  /** Called for each line of output as it arrives. */
  readonly onLine?: (line: string, hook: string) => void;
}

/**
 * Throws RackseedError if a required hook fails.
 *
 * @example
 * ```ts
 * import type { Hook } from "#contract/api/hooks.ts";
 *
 * async function example(hooks: readonly Hook[]) {
 *   const { message, log } = await runHooks(hooks, { environment: { RACKSEED_WHEN: "pre-capture" } });
 *   console.log(message, log.join("\n"));
 * }
 * ```
 */
export async function runHooks(
  hooks: readonly Hook[],
  { onLine, ...context }: HooksOptions,
): Promise<HooksOutcome> {
  const ends: string[] = [], log: string[] = [];
  for (const hook of hooks) {
    const started = performance.now();
    const result = await attempt(hook, {
      ...context,
      ...(onLine && { onLine: (line) => onLine(line, hook.name) }),
    });
    const end = `${endOf(hook, result)} (${((performance.now() - started) / 1000).toFixed(1)} s)`;
    log.push(`${hook.when} hook ${hook.name}: ${end}`, ...result.lines);
    if (result.code !== 0 && !hook.optional) throw failure(hook, result);
    ends.push(`${hook.name} ${end}${result.code === 0 ? "" : " and is optional"}`);
  }
  return { message: ends.join("; "), log };
}

async function attempt(hook: Hook, context: HookContext): Promise<HookResult> {
  try {
    return await runHook(hook, context);
  } catch (error) {
    if (context.signal?.aborted) throw error;
    return { code: -1, lines: [`cannot be started: ${messageOf(error)}`] };
  }
}

function endOf({ timeoutSeconds }: Hook, { code }: HookResult): string {
  if (code === undefined) return `did not end within ${timeoutSeconds} s`;
  return code === 0 ? "done" : code < 0 ? "failed" : `exited ${code}`;
}

function failure(hook: Hook, result: HookResult): RackseedError {
  return new RackseedError(`the ${hook.when} hook ${hook.name} failed`, {
    reason: `it ${endOf(hook, result)}: ${result.lines.slice(-5).join(" | ") || "no output"}.`,
    remedy: `check its output; correct it with \`rackseed hook set ${hook.when} --name ${hook.name} …\`, ` +
      "or make it --optional.",
  });
}
