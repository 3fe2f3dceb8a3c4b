/** `rackseed agent install --target DIR`: installs into a directory, or restores one. Needs no root. */
import type { Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Console } from "../sys/console.ts";
import { type Comparison, comparisonOf, keptPathsOf } from "./compare/comparison.ts";
import { believed, enrol, type Enrolled } from "../steps/enrol.ts";
import { openTarget } from "./extract/target.ts";
import { ImageFetch } from "./fetch/image_fetch.ts";
import { directoryInventory } from "../steps/inventory.ts";
import { LogTail } from "../steps/log_tail.ts";
import { differenceOf, Journal, type JournalRecord, readJournal, recordOf } from "./records/journal.ts";
import { Reporter } from "../steps/reporter.ts";
import { runSteps, type StepDefinition } from "../steps/run_steps.ts";
import { SwarmTerms } from "../steps/swarm_terms.ts";

/** Resolves when the directory is installed. Throws RackseedError. */
export async function installDirectory(
  { server, token, target, restore, signal, console }: {
    server: string;
    token: string;
    target: string;
    restore: boolean;
    signal: AbortSignal;
    console: Console;
  },
): Promise<void> {
  const found = restore ? undefined : inspectTarget(target);
  const reporter = new Reporter();
  await using stack = new AsyncDisposableStack();
  let fetch: ImageFetch | undefined;
  const fetching = () => {
    if (fetch) return fetch;
    throw new RangeError("not enrolled yet");
  };
  let enrolled: Enrolled | undefined;
  const changes = () => !enrolled?.order.restore?.dryRun;
  let journal: Journal | undefined;
  let comparison: Comparison | undefined;
  const steps: readonly StepDefinition[] = [
    { step: "network", run: () => Promise.resolve({ message: "as it is" }) },
    {
      step: "enrol",
      run: async () => {
        const { client, order } = await enrol({
          server,
          token,
          inventory: await directoryInventory(),
          signal,
        });
        stack.use(client);
        const terms = new SwarmTerms(order.swarm);
        // first, so that an order which is not believed is told of
        await reporter.connect(client, terms);
        enrolled = believed({ client, order });
        fetch = stack.use(new ImageFetch({ enrolled, reporter, terms, signal }));
        return { message: `${order.node}: ${order.image}@${order.version}` };
      },
    },
    {
      step: "inventory",
      run: () => {
        if (enrolled === undefined) throw new RangeError("not enrolled yet");
        const { order } = enrolled;
        const ordered = recordOf(order);
        if (restore && !order.restore) throw notOrdered(target, order);
        if (found) proveSame(target, { found, ordered });
        comparison = comparisonOf(order, { resumes: found !== undefined });
        if (!order.restore?.dryRun) journal = stack.use(Journal.keep(target, ordered));
        const begun = found ? ", where this installation was broken off" : "";
        const restored = order.restore
          ? `, to be ${order.restore.dryRun ? "compared only" : "restored"}`
          : "";
        const hooks = order.hooks?.map(({ name }) => name) ?? [];
        const left = hooks.length > 0 ? `; hooks run on machines only: not ${hooks.join(", ")}` : "";
        return Promise.resolve({ message: `the directory ${target}${begun}${restored}${left}` });
      },
    },
    {
      step: "torrent",
      run: (progress) => fetching().join({ path: target, journal, comparison }, { progress }),
    },
    { step: "install", when: changes, run: (progress) => fetching().install(progress) },
    {
      step: "verify",
      when: changes,
      run: () => {
        const { privileged, changed } = {
          privileged: Deno.uid() === 0,
          changed: keptPathsOf(enrolled?.order),
        };
        return fetching().verify({ privileged, changed, plain: [], fromDisk: false });
      },
    },
    { step: "seed", when: changes, run: (progress) => fetching().seed(progress) },
    {
      step: "finish",
      run: () => {
        journal?.end();
        return Promise.resolve({ message: changes() ? `installed into ${target}` : "nothing was changed" });
      },
    },
  ];
  await runSteps(steps, { reporter, console, log: new LogTail(), signal });
}

/** The journal of an installation that was broken off there. Throws RackseedError where something else is there. */
function inspectTarget(target: string): JournalRecord | undefined {
  const found = readJournal(target);
  if (found.state === "found") return found.record;
  try {
    openTarget(target)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (found.state === "none") throw error;
    throw new RackseedError(`cannot install into ${target}`, {
      reason: `an installation was broken off there whose journal cannot be read: ${found.reason}.`,
      remedy: "empty the directory, or give another one.",
      status: 409,
      cause: error,
    });
  }
}

function notOrdered(target: string, { image, version }: Order): RackseedError {
  return new RackseedError(`cannot restore ${target}`, {
    reason: `${image}@${version} is ordered to be installed, not to be restored to. Nothing was touched.`,
    remedy: "order it by `rackseed node restore`, or leave --restore out and give an empty directory.",
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
    remedy: "empty the directory or give another one, and deploy again.",
    status: 409,
  });
}
