/** Feeds the workers of an install, from the first frame to the last. */
import { RackseedError } from "#contract/errors.ts";
import type { Shortfalls } from "./attributes.ts";
import type { Job, Reply } from "./extract_messages.ts";
import type { FrameWork, TreePlan } from "./frame_plan.ts";
import type { InstallOptions } from "./install_options.ts";
import type { OpenPacks } from "./open_packs.ts";
import { addShortfalls, writeFailure } from "./outcome.ts";
import type { JobRunner } from "./worker_pool.ts";

const ENTRIES_A_JOB = 500;
/** After this many attempts a frame that is still bad is given up. */
const MAX_READINGS = 5;

interface ContentOptions extends Omit<InstallOptions, "packs"> {
  readonly packs: OpenPacks;
  readonly plan: TreePlan;
  readonly pool: JobRunner<Job, Reply>;
  /** Collects what the workers could not preserve. */
  readonly shortfalls: Shortfalls;
}

/** Rejects as soon as one job fails, whatever is still pending. */
export async function installContents(options: ContentOptions): Promise<void> {
  const { plan, pool } = options;
  const underWay = new Set<Promise<void>>();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const track = (work: Promise<void>) => {
    const settled = work.catch(failure.reject).finally(() => underWay.delete(settled));
    underWay.add(settled);
  };
  const progress = progressOf(options);
  const jobs: Job[] = [
    ...batches(plan.nodes).map((entries): Job => ({ type: "nodes", entries })),
    ...batches(plan.wrongAttributes).map((entries): Job => ({ type: "attributes", entries })),
  ];
  for (const job of jobs) {
    const { answer } = await pool.submit(job);
    track(answer.then((reply) => {
      badReason(reply, options);
    }));
  }
  await Promise.all([
    eachFrame(options, {
      failed: failure.promise,
      take: async (work) => {
        const { answer } = await pool.submit(jobOf(work, options));
        track(
          installFrame(work, { first: answer, options }).then(() => {
            options.onFrame?.(work.frame);
            progress(work);
          }),
        );
      },
    }),
    eachLoose(options, {
      failed: failure.promise,
      take: async (work, contents) => {
        const { answer } = await pool.submit({ type: "loose", work, contents });
        track(answer.then((reply) => {
          badReason(reply, options);
          progress(work);
        }));
      },
    }),
  ]);
  await Promise.race([Promise.all(underWay), failure.promise]);
}

function batches<T>(entries: readonly T[]): T[][] {
  const count = Math.ceil(entries.length / ENTRIES_A_JOB);
  return Array.from({ length: count }, (_, i) => entries.slice(i * ENTRIES_A_JOB, (i + 1) * ENTRIES_A_JOB));
}

/** Calls `take` for every frame that the plan needs, as it arrives. */
async function eachFrame(
  { frames, plan, loose, onFrame }: ContentOptions,
  { failed, take }: { failed: Promise<never>; take: (work: FrameWork) => Promise<void> },
): Promise<void> {
  const whole = plan.frames.filter((work) => work !== undefined && !loose?.frames.has(work.frame));
  const missing = new Map((whole as FrameWork[]).map((work) => [work.frame, work]));
  const iterator = frames[Symbol.asyncIterator]();
  try {
    while (missing.size > 0) {
      const next = await Promise.race([iterator.next(), failed]);
      if (next.done) {
        throw new RackseedError("cannot install the image", {
          reason: `${missing.size} of its frames never arrived.`,
          remedy: "start the deployment again.",
        });
      }
      const work = missing.get(next.value);
      if (work === undefined) {
        onFrame?.(next.value);
        continue;
      }
      missing.delete(next.value);
      await Promise.race([take(work), failed]);
    }
  } finally {
    // not awaited: after a failure it may hang on the network
    iterator.return?.().catch(() => {});
  }
}

/** Calls `take` for every frame of which only single extents arrive. */
async function eachLoose(
  { loose, plan }: ContentOptions,
  { failed, take }: {
    failed: Promise<never>;
    take: (work: FrameWork, contents: readonly (Uint8Array | undefined)[]) => Promise<void>;
  },
): Promise<void> {
  if (loose === undefined) return;
  const missing = new Set(loose.frames);
  const iterator = loose.extents[Symbol.asyncIterator]();
  try {
    while (missing.size > 0) {
      const next = await Promise.race([iterator.next(), failed]);
      const work = next.done ? undefined : plan.frames[next.value.frame];
      if (next.done || work === undefined || !missing.delete(next.value.frame)) {
        throw new RangeError("the extents that arrived are not those that were requested");
      }
      const { contents } = next.value;
      await take(work, work.extents.map((_, number) => contents.get(number)));
    }
  } finally {
    // not awaited: after a failure it may hang on the network
    iterator.return?.().catch(() => {});
  }
}

async function installFrame(
  work: FrameWork,
  { first, options }: { first: Promise<Reply>; options: ContentOptions },
): Promise<void> {
  let answer = first;
  for (let reading = 1;; reading++) {
    const bad = badReason(await answer, options);
    if (bad === undefined) return;
    const { onBadFrame, pool } = options;
    if (onBadFrame === undefined || reading === MAX_READINGS) {
      throw new RackseedError(`cannot install frame ${work.frame} of the image`, {
        reason: `${bad}.`,
        remedy: "check the image with `rackseed image verify`, and deploy again.",
      });
    }
    await onBadFrame(work.frame, bad);
    ({ answer } = await pool.submit(jobOf(work, options)));
  }
}

/** Why the job's frame is bad; undefined if the job is done. Throws RackseedError if the target could not be written. */
function badReason(
  reply: Reply,
  { shortfalls, target, onWorkTimes, onSums }: ContentOptions,
): string | undefined {
  switch (reply.type) {
    case "done":
      addShortfalls(shortfalls, reply.shortfalls);
      onWorkTimes?.(reply.times);
      onSums?.(reply.sums);
      return undefined;
    case "bad-frame":
      return reply.reason;
    case "failed":
      throw writeFailure(target, reply);
  }
}

function jobOf(work: FrameWork, { packs }: ContentOptions): Job {
  return { type: "frame", work, pack: packs.descriptor(work.pack) };
}

function progressOf({ plan, onProgress }: ContentOptions): (work: FrameWork) => void {
  const framesTotal = plan.frames.filter((work) => work !== undefined).length;
  let framesDone = 0, bytesDone = 0;
  return ({ bytes }) => {
    onProgress?.({
      framesDone: ++framesDone,
      framesTotal,
      bytesDone: bytesDone += bytes,
      bytesTotal: plan.bytes,
    });
  };
}
