/** Does the jobs of one installTree worker, one at a time. */
import { messageOf } from "#contract/errors.ts";
import { codeOf } from "../../sys/errno.ts";
import { effectiveOwner } from "../../sys/libc.ts";
import { startThreadClock } from "../../sys/thread_clock.ts";
import { AttributeWriter } from "./attributes.ts";
import type { Job, Reply, WorkerSetup } from "./extract_messages.ts";
import { BadFrame, FrameSource } from "./frame_source.ts";
import { TreeWriter } from "./tree_writer.ts";

/** Never rejects: a failure is a reply. Call it with one job at a time. */
export type Extractor = (job: Job) => Promise<Reply>;

export function extractor(setup: WorkerSetup): Extractor {
  const run = setUp(setup);
  return async (job) => {
    try {
      return await run(job);
    } catch (error) {
      const reason = messageOf(error);
      return error instanceof BadFrame
        ? { type: "bad-frame", reason }
        : { type: "failed", reason, code: codeOf(error) };
    }
  };
}

function setUp({ root, keys, privileged }: WorkerSetup): Extractor {
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
    else if (job.type === "attributes") { for (const entry of job.entries) writer.correctAttributes(entry); }
    else for (const entry of job.entries) writer.makeNode(entry);
    const { busyMs, blockedMs } = writing.stop();
    const shortfalls = new Map(attributes.shortfalls);
    attributes.shortfalls.clear();
    return {
      type: "done",
      shortfalls,
      times: { busyMs: openedMs + busyMs, blockedMs },
      sums: writer.takeSums(),
    };
  };
}
