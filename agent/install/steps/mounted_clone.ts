/** The clone's file systems, mounted, with the journal from which a power cut is resumed. */
import { syncAll } from "../../sys/kernel.ts";
import { CloneTree } from "../../tree/tree_files.ts";
import { checkFileSystems, mountTree } from "../disk/partition.ts";
import { plannedRecord } from "../disk/resume.ts";
import type { ImageFetch } from "../fetch/image_fetch.ts";
import { Journal } from "../records/journal.ts";
import type { Machine, PlannedDisk } from "./machine.ts";

export interface MountedClone {
  readonly clone: CloneTree;
  readonly mounts: AsyncDisposable;
  readonly journal: Journal;
}

export async function mountClone(
  { clonePath, stack }: Machine,
  { plan, target }: PlannedDisk,
): Promise<Pick<MountedClone, "clone" | "mounts">> {
  const clone = new CloneTree(clonePath);
  return { clone, mounts: stack.use(await mountTree(target, { plan, at: clonePath })) };
}

/** From here on a power cut is resumed; `once`: if this run fails, the next installation starts from an empty disk. */
export function keepJournal(
  { clonePath, stack, enrolled }: Machine,
  { plan, fetch, once = false }: { plan: PlannedDisk["plan"]; fetch: ImageFetch; once?: boolean },
): Journal {
  // a record of what has not reached the disk would be worth nothing
  syncAll();
  const journal = stack.use(Journal.keep(clonePath, plannedRecord(plan, enrolled.order)));
  if (once) stack.defer(() => journal.end());
  // packs may lie on the clone's disk: the stack is undone from its end, so this closes before the mounts
  stack.use(fetch);
  return journal;
}

/** Unmounts the finished clone, and checks its file systems. Returns what was done, as text. */
export async function releaseClone(
  { run, signal }: Machine,
  { plan, target, mounted: { journal, mounts } }: PlannedDisk & { mounted: MountedClone },
): Promise<string> {
  journal.end();
  await mounts[Symbol.asyncDispose]();
  return await checkFileSystems(target, { plan, run, signal });
}
