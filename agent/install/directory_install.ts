/** `rackseed agent install --target DIR`: installs into a directory, or restores one. Needs no root. */
import type { Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Console } from "../sys/console.ts";
import { type Comparison, comparisonOf, keptPathsOf } from "./compare/comparison.ts";
import { enrol, verifyOrder } from "../steps/enrol.ts";
import { openTarget } from "./extract/target.ts";
import { ImageFetch } from "./fetch/image_fetch.ts";
import { directoryInventory } from "../steps/inventory.ts";
import { LogTail } from "../steps/log_tail.ts";
import { differenceOf, Journal, type JournalRecord, readJournal, recordOf } from "./records/journal.ts";
import { Reporter } from "../steps/reporter.ts";
import type { StepOutcome } from "../steps/step.ts";
import { StepRunner } from "../steps/step_runner.ts";
import { SwarmTerms } from "../steps/swarm_terms.ts";

interface DirectoryOptions {
  readonly server: string;
  readonly token: string;
  /** Path of the directory. */
  readonly target: string;
  /** Whether the order must be to restore it. */
  readonly restore: boolean;
  readonly signal: AbortSignal;
  readonly console: Console;
}

/**
 * Resolves when the directory is installed. Throws RackseedError of the step that failed.
 *
 * @example
 * ```ts
 * import { standardConsole } from "../sys/console.ts";
 * import { installDirectory } from "./directory_install.ts";
 *
 * async function install(target: string, signal: AbortSignal): Promise<void> {
 *   const [server, token] = ["https://10.0.0.1:8443", "rs1.a.b"];
 *   await installDirectory({ server, token, target, restore: false, signal, console: standardConsole() });
 * }
 * ```
 */
export async function installDirectory(options: DirectoryOptions): Promise<void> {
  const { target, restore, signal, console } = options;
  const found = restore ? undefined : inspectTarget(target);
  const reporter = new Reporter();
  await using stack = new AsyncDisposableStack();
  const steps = new StepRunner({ reporter, console, log: new LogTail(), signal });
  await steps.run("network", () => ({ message: "as it is" }));
  const { order, fetch } = await steps.run("enrol", () => enrolDirectory(options, { reporter, stack }));
  const writes = !order.restore?.dryRun;
  const { journal, comparison } = await steps.run("inventory", () => {
    const begun = beginDirectory(order, { target, restore, found, writes });
    if (begun.journal) stack.use(begun.journal);
    return begun;
  });
  await steps.run("torrent", (progress) => fetch.join({ path: target, journal, comparison }, { progress }));
  if (writes) {
    await steps.run("install", (progress) => fetch.install(progress));
    await steps.run("verify", () => {
      const privileged = Deno.uid() === 0;
      return fetch.verify({ privileged, changed: keptPathsOf(order), plain: [], fromDisk: false });
    });
    await steps.run("seed", (progress) => fetch.seed(progress));
  }
  await steps.run("finish", () => {
    journal?.end();
    return { message: writes ? `installed into ${target}` : "nothing was changed" };
  });
}

async function enrolDirectory(
  { server, token, signal }: DirectoryOptions,
  { reporter, stack }: { reporter: Reporter; stack: AsyncDisposableStack },
): Promise<StepOutcome & { order: Order; fetch: ImageFetch }> {
  const { client, order } = await enrol({ server, token, inventory: await directoryInventory(), signal });
  stack.use(client);
  const terms = new SwarmTerms(order.swarm);
  // first, so that an order which is refused is reported
  await reporter.connect(client, terms);
  const enrolled = verifyOrder({ client, order });
  const fetch = stack.use(new ImageFetch({ enrolled, reporter, terms, signal }));
  return { order, fetch, message: `${order.node}: ${order.image}@${order.version}` };
}

/** Work of the step "inventory". `found`: the journal of an installation that was interrupted there. */
function beginDirectory(
  order: Order,
  { target, restore, found, writes }: {
    target: string;
    restore: boolean;
    found: JournalRecord | undefined;
    writes: boolean;
  },
): StepOutcome & { journal: Journal | undefined; comparison: Comparison | undefined } {
  const ordered = recordOf(order);
  if (restore && !order.restore) throw notOrdered(target, order);
  if (found) proveSame(target, { found, ordered });
  const comparison = comparisonOf(order, { resumes: found !== undefined });
  const journal = writes ? Journal.keep(target, ordered) : undefined;
  const begun = found ? ", where this installation was interrupted" : "";
  const restored = order.restore ? `, to be ${writes ? "restored" : "compared only"}` : "";
  const hooks = order.hooks?.map(({ name }) => name) ?? [];
  const left = hooks.length > 0 ? `; hooks run on machines only: not ${hooks.join(", ")}` : "";
  return { journal, comparison, message: `the directory ${target}${begun}${restored}${left}` };
}

/** The journal of an installation that was interrupted there. Throws RackseedError if the directory holds anything else. */
function inspectTarget(target: string): JournalRecord | undefined {
  const found = readJournal(target);
  if (found.state === "found") return found.record;
  try {
    openTarget(target)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (found.state === "none") throw error;
    throw new RackseedError(`cannot install into ${target}`, {
      reason: `an installation was interrupted there, and its journal cannot be read: ${found.reason}.`,
      remedy: "empty the directory, or name another one.",
      status: 409,
      cause: error,
    });
  }
}

function notOrdered(target: string, { image, version }: Order): RackseedError {
  return new RackseedError(`cannot restore ${target}`, {
    reason: `the order is to install ${image}@${version}, not to restore it. Nothing was touched.`,
    remedy: "order it with `rackseed node restore`, or omit --restore and name an empty directory.",
    status: 409,
  });
}

function proveSame(
  target: string,
  { found, ordered }: { found: JournalRecord; ordered: JournalRecord },
): void {
  const difference = differenceOf(found, ordered);
  if (difference === undefined) return;
  throw new RackseedError(`cannot resume in ${target}`, {
    reason: `${difference}. Nothing was touched.`,
    remedy: "empty the directory or name another one, and deploy again.",
    status: 409,
  });
}
