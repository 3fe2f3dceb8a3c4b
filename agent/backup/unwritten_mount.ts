/**
 * Mounts a file system as its own system would find it after a restart, on a disk that nothing is written to: where
 * its journal has to be replayed first, that is done in memory.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";
import { EROFS, SystemCallError } from "../sys/kernel.ts";
import { MemorySnapshot } from "../sys/memory_snapshot.ts";
import { LOOKED_AT, Mount } from "../sys/mount.ts";

interface UnwrittenOptions {
  readonly source: string;
  readonly type: string;
  readonly data: string;
  /** Takes what is to be undone. */
  readonly stack: AsyncDisposableStack;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** `source` is write-protected. Returns whether its journal was replayed. Throws RackseedError. */
export async function mountUnwritten(at: string, options: UnwrittenOptions): Promise<{ replayed: boolean }> {
  const { source, type, data, stack } = options;
  const flags = LOOKED_AT;
  try {
    stack.use(await Mount.at(at, { source, type, flags, data }));
    return { replayed: false };
  } catch (error) {
    const cause = error instanceof RackseedError ? error.cause : undefined;
    // a kernel that has a journal to replay says so, since the device is write-protected
    if (!(cause instanceof SystemCallError) || cause.errno !== EROFS) throw error;
  }
  const snapshot = await snapshotOf(options);
  stack.use(await Mount.at(at, { source: snapshot.device, type, flags, data }));
  return { replayed: true };
}

async function snapshotOf({ source, stack, run, signal }: UnwrittenOptions): Promise<MemorySnapshot> {
  try {
    return stack.use(await MemorySnapshot.over(source, { run, signal }));
  } catch (error) {
    signal.throwIfAborted();
    throw new RackseedError(`cannot read the file system on ${source}`, {
      reason: "it was in use when its machine stopped, and its journal cannot be replayed in memory: " +
        `${messageOf(error)}. Nothing was written to the disk.`,
      remedy:
        "start the node's own system and shut it down; or, from the shell at this console, replay it on " +
        `the disk: e2fsck -p ${source} (or mount it once); then order the backup again.`,
      cause: error,
    });
  }
}
