/** The short form of a restore: shows what would change, and writes nothing. */
import { CloneTree } from "../../tree/tree_files.ts";
import type { TargetDisks } from "../disk/guard.ts";
import { mountTree } from "../disk/partition.ts";
import type { ImageFetch } from "../fetch/image_fetch.ts";
import { ExistingClone } from "../restore/existing_clone.ts";
import { foreseeDisk, type Foreseen, type RestoreRequest } from "../restore/judge_disk.ts";
import { type Machine, PACKS_IN_MEMORY } from "./machine.ts";

const NOTHING_CHANGED = "a dry run: nothing was changed";

interface DryRunOptions {
  readonly target: TargetDisks;
  readonly request: RestoreRequest;
  readonly fetch: ImageFetch;
}

export async function compareOnly(machine: Machine, options: DryRunOptions): Promise<void> {
  const { steps, clonePath } = machine, { target, request, fetch } = options;
  const { readable, notes } = await steps.run("partition", () => foreseeDisk(target, request));
  if (readable === undefined) {
    await steps.run("finish", () => ({ message: NOTHING_CHANGED, planLines: notes }));
    return;
  }
  if (readable.active) machine.stack.use(readable.active);
  const { existing, mounts } = await steps.run(
    "format",
    () => mountReadOnly(machine, { ...options, readable }),
  );
  await steps.run("torrent", async (progress) => {
    const to = { path: clonePath, journal: undefined, comparison: existing.comparison() };
    const joined = await fetch.join(to, { memory: PACKS_IN_MEMORY, progress });
    return { ...joined, planLines: joined.planLines && [...notes, ...existing.notes, ...joined.planLines] };
  });
  await steps.run("finish", async () => {
    await mounts[Symbol.asyncDispose]();
    return { message: NOTHING_CHANGED };
  });
}

async function mountReadOnly(
  { clonePath, stack }: Machine,
  { target, request, fetch, readable: { state, isDoubtful } }: DryRunOptions & {
    readable: NonNullable<Foreseen["readable"]>;
  },
) {
  const { plan } = request;
  const mounted = await mountTree(target, { plan, at: clonePath, readOnly: true, without: state.missing });
  const mounts = stack.use(mounted);
  const existing = await ExistingClone.inspect(new CloneTree(clonePath), { target, request, isDoubtful });
  // the stack is undone from its end: this closes before the file systems are unmounted
  stack.use(fetch);
  return { existing, mounts, message: "mounted read-only" };
}
