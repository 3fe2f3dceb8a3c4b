/**
 * The steps of a backup at boot: the node's own system is mounted and captured like a template's. Nothing here can
 * write to a disk: none is proven as a target, and the kernel write-protects them all.
 */
import { type BackupOrder, CaptureOrder, type CaptureProgress, CaptureView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { megabytes } from "../steps/figures.ts";
import { compileExcludes, DEFAULT_EXCLUDES, excludesOf } from "../tree/excludes.ts";
import { pauseFor, withRetry } from "../sys/retry.ts";
import { packLevelFor, sendCapture } from "../capture/send_capture.ts";
import { TreeSource } from "../capture/tree_source.ts";
import type { EnrolledBackup } from "../steps/enrol.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { deviceNodes } from "../layout/disks.ts";
import type { StepOutcome, StepProgress } from "../steps/step.ts";
import type { StepRunner } from "../steps/step_runner.ts";
import type { Run } from "../sys/command.ts";
import { protectFromWriting } from "../sys/write_protection.ts";
import { ownDisks } from "./find_root.ts";
import type { StillMachine } from "./still_machine.ts";
import { readStillSystem } from "./still_system.ts";

const SERVER_BACK_MS = 5 * 60_000;
const PUBLISHING_POLL_MS = 1000;

interface BackupOptions {
  readonly steps: StepRunner;
  readonly enrolled: EnrolledBackup;
  readonly disks: readonly DiskFacts[];
  readonly firmware: "bios" | "uefi";
  /** Where the node's system is mounted. */
  readonly at: string;
  /** Takes what must be undone at the end, however it ends. */
  readonly stack: AsyncDisposableStack;
  readonly run: Run;
  readonly signal: AbortSignal;
  /** Types of block devices that count as disks; loop devices for rehearsals. */
  readonly diskTypes?: readonly string[];
}

/** Throws the RackseedError of the failed step. */
export async function backUpMachine(options: BackupOptions): Promise<void> {
  const { steps } = options;
  const { machine, notes } = await steps.run("mount", () => mountToRead(options));
  const { published } = await steps.run("capture", async (progress) => {
    const { view, message } = await capture(machine, { ...options, notes, progress });
    const published = `${view.image}@${view.version}`;
    return { published, message: `${published} is published: ${message}` };
  });
  await steps.run("finish", () => ({ message: `${published}; nothing was written to the disks` }));
}

async function mountToRead(
  options: BackupOptions,
): Promise<StepOutcome & { machine: StillMachine; notes: readonly string[] }> {
  const mounted = await mountStill(options.enrolled.order, options);
  const { machine } = mounted;
  const notes = [...mounted.notes, ...machine.unseen, ...machine.notes];
  const read = machine.layout.fileSystems.map(({ mountPoint, type }) => `${mountPoint} (${type})`).join(", ");
  return { machine, notes, message: [`read-only: ${read}`, ...notes].join("; ") };
}

async function mountStill(
  { node, backup, disks: named, openWith: keys = [] }: BackupOrder,
  { disks, firmware, at, stack, run, signal, diskTypes }: BackupOptions,
): Promise<{ machine: StillMachine; notes: readonly string[] }> {
  stack.use(protectFromWriting(deviceNodes(disks)));
  const own = ownDisks(disks, { node, named });
  return await readStillSystem(own, {
    node,
    // its fstab may name file systems on other disks, even if the operator named those of the root
    others: disks.filter((disk) => !own.includes(disk)),
    keys,
    excludes: compileExcludes([...DEFAULT_EXCLUDES, ...backup.excludes]),
    firmware,
    at,
    stack,
    run,
    signal,
    diskTypes,
  });
}

async function capture(
  { source, layout, mountPoints }: StillMachine,
  { enrolled: { client }, at, notes, progress, signal }: BackupOptions & {
    notes: readonly string[];
    progress: StepProgress;
  },
): Promise<{ view: CaptureView; message: string }> {
  const retry = { signal, budgetMs: SERVER_BACK_MS };
  const order = await withRetry(
    () => client.post("/node/backup", { body: {}, schema: CaptureOrder, signal }),
    retry,
  );
  const excludes = excludesOf(layout, order.excludes);
  const { entries, bytesSent, amount, notes: captureNotes } = await sendCapture({
    api: client,
    capture: order.capture,
    tree: new TreeSource(at, { excludes, mountPoints }),
    source,
    layout,
    excludes: excludes.patterns,
    packLevel: packLevelFor(order),
    signal,
    onRead: () => Promise.resolve(notes),
    onProgress: (now) => progress.update({ message: progressText(now) }),
  });
  progress.update({ message: "the server is publishing it" });
  const path = `/node/backup/${order.capture}`;
  const view = await untilPublished(
    () => withRetry(() => client.get(path, CaptureView, { signal }), retry),
    signal,
  );
  const count = captureNotes.length;
  const noted = count === 0 ? "" : `, ${count} ${count === 1 ? "note" : "notes"} (rackseed image show)`;
  return {
    view,
    message: `${entries} entries, ${megabytes(amount.bytes)} read, ${megabytes(bytesSent)} sent${noted}`,
  };
}

/** Throws RackseedError if the capture has failed or was cancelled. */
async function untilPublished(look: () => Promise<CaptureView>, signal: AbortSignal): Promise<CaptureView> {
  for (;;) {
    const view = await look();
    if (view.state === "published") return view;
    if (view.problem) throw RackseedError.fromProblem(view.problem);
    if (view.state === "cancelled") throw cancelled(view);
    await pauseFor(PUBLISHING_POLL_MS, signal);
  }
}

function progressText({ phase, bytesDone, bytesTotal, bytesSent }: CaptureProgress): string {
  return `${phase}: ${megabytes(bytesDone)} of ${megabytes(bytesTotal)}, ${megabytes(bytesSent)} sent`;
}

function cancelled({ image }: CaptureView): RackseedError {
  return new RackseedError(`the capture of ${image} was cancelled`, {
    reason: "the operator cancelled it.",
    remedy: "order the backup again if it is still wanted.",
    status: 409,
  });
}
