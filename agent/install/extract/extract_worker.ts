/** One of the parallel workers of installTree; see extract_messages.ts for what it is told. */
/// <reference lib="webworker" />
import { messageOf } from "#contract/errors.ts";
import { codeOf } from "../../sys/errno.ts";
import { effectiveOwner } from "../../sys/libc.ts";
import { startThreadClock } from "../../sys/thread_clock.ts";
import { AttributeWriter } from "./attributes.ts";
import type { Job, Reply, WorkerSetup } from "./extract_messages.ts";
import { BadFrame, FrameSource } from "./frame_source.ts";
import { TreeWriter } from "./tree_writer.ts";

type Run = (job: Job) => Promise<Reply>;

function setUp({ root, keys, privileged }: WorkerSetup): Run {
  const attributes = new AttributeWriter(root, { privileged, self: effectiveOwner() });
  const writer = new TreeWriter(root, { attributes, privileged });
  const source = new FrameSource(keys);
  return async (job) => {
    const started = performance.now();
    const contents = job.type === "frame"
      ? await source.read(job.work, job.pack)
      : job.type === "loose"
      ? job.contents
      : [];
    const openedMs = performance.now() - started;
    const writing = startThreadClock();
    if (job.type === "frame" || job.type === "loose") writer.writeFrame(job.work, contents);
    else if (job.type === "dress") { for (const entry of job.entries) writer.dress(entry); }
    else for (const entry of job.entries) writer.makeNode(entry);
    const { busyMs, blockedMs } = writing.stop();
    const shortfalls = new Map(attributes.shortfalls);
    attributes.shortfalls.clear();
    return {
      type: "done",
      shortfalls,
      spent: { busyMs: openedMs + busyMs, blockedMs },
      sums: writer.takeSums(),
    };
  };
}

async function answer(run: Run, job: Job): Promise<Reply> {
  try {
    return await run(job);
  } catch (error) {
    const reason = messageOf(error);
    return error instanceof BadFrame
      ? { type: "bad-frame", reason }
      : { type: "failed", reason, code: codeOf(error) };
  }
}

// the first message sets the worker up, every further one is a job; one job at a time
const scope = self as unknown as DedicatedWorkerGlobalScope;
let run: Run | undefined;
let last = Promise.resolve();
scope.onmessage = ({ data }: MessageEvent<WorkerSetup | Job>) => {
  if (run === undefined) run = setUp(data as WorkerSetup);
  else {
    const ready = run;
    last = last.then(async () => scope.postMessage(await answer(ready, data as Job)));
  }
};
