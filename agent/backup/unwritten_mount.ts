/**
 * Mounts a file system as its own system would find it after a restart, without writing to its disk: a journal that
 * needs replaying is replayed in memory.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { kernelNameOf } from "../layout/assemble/kernel_devices.ts";
import type { Run } from "../sys/command.ts";
import { EROFS, SystemCallError } from "../sys/kernel.ts";
import { MemorySnapshot } from "../sys/memory_snapshot.ts";
import { INSPECTION_FLAGS, Mount } from "../sys/mount.ts";

interface UnwrittenOptions {
  readonly source: string;
  readonly type: string;
  readonly data: string;
  /** Takes what must be undone. */
  readonly stack: AsyncDisposableStack;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** `source` must be write-protected. Returns whether its journal was replayed. Throws RackseedError. */
export async function mountUnwritten(at: string, options: UnwrittenOptions): Promise<{ replayed: boolean }> {
  const { source, type, data, stack } = options;
  const flags = INSPECTION_FLAGS;
  try {
    stack.use(await Mount.at(at, { source, type, flags, data }));
    return { replayed: false };
  } catch (error) {
    const cause = error instanceof RackseedError ? error.cause : undefined;
    // on a write-protected device, a journal that needs replaying makes the mount fail with EROFS
    if (!(cause instanceof SystemCallError) || cause.errno !== EROFS) throw error;
  }
  const snapshot = await snapshotOf(options);
  stack.use(await Mount.at(at, { source: snapshot.device, type, flags, data }));
  return { replayed: true };
}

async function snapshotOf({ source, stack, run, signal }: UnwrittenOptions): Promise<MemorySnapshot> {
  try {
    const origin = `/dev/${await kernelNameOf(source)}`;
    return stack.use(await MemorySnapshot.over(origin, { run, signal }));
  } catch (error) {
    signal.throwIfAborted();
    throw new RackseedError(`cannot read the file system on ${source}`, {
      reason: "it was in use when its machine stopped, and its journal cannot be replayed in memory: " +
        `${messageOf(error)}. Nothing was written to the disk.`,
      remedy:
        "start the node's own system and shut it down, or replay the journal on the disk from the shell at this " +
        `console (e2fsck -p ${source}, or mount it once); then order the backup again.`,
      cause: error,
    });
  }
}
