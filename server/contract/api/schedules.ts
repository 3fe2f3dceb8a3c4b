/** Schedules: orders that the server gives at times. */
import { z } from "zod";
import { BackupRequest } from "./captures.ts";
import { CheckRequest } from "./checks.ts";
import { count, ImageRef, text, time } from "./fields.ts";
import { DeployRequest, RestoreRequest } from "./nodes.ts";
import { Review } from "./reviews.ts";

export const ScheduleName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
  error: "a schedule's name is 1 to 63 small letters, digits and hyphens",
});

export const WORKS = ["deploy", "restore", "backup", "check"] as const;
export const WorkName = z.enum(WORKS);
export type WorkName = z.infer<typeof WorkName>;

/** What is ordered, as in the requests of a person; the nodes stand in the schedule. */
export const ScheduledOrder = z.discriminatedUnion("work", [
  DeployRequest.omit({ nodes: true, reviewed: true }).extend({ work: z.literal("deploy") }).strict(),
  RestoreRequest.omit({ nodes: true, everyBoot: true, reviewed: true }).extend({ work: z.literal("restore") })
    .strict(),
  BackupRequest.extend({
    work: z.literal("backup"),
    /** Without an agent, at the next boot from the network. */
    atBoot: z.boolean().optional(),
    /** Only with `atBoot`: the image whose kernel the nodes boot. */
    image: ImageRef.optional(),
  }).strict(),
  CheckRequest.omit({ nodes: true }).extend({ work: z.literal("check") }).strict(),
]);
export type ScheduledOrder = z.output<typeof ScheduledOrder>;

export const DEFAULT_BOOT_SECONDS = 86_400;

/** What a person sets. */
const Settings = {
  /** Names, ranges and groups ("@LABEL"), resolved at each run. */
  nodes: z.array(text(200).min(1)).min(1).max(1000),
  /** Minute, hour, day of month, month, day of week; or "@daily" and the like. */
  cron: text(200).min(1),
  /** Times at which orders may begin ("Mon-Fri 22:00-05:00"), in the schedule's time zone; absent: always. */
  windows: z.array(text(60)).min(1).max(20).optional(),
  /** Nodes at a time; absent: all of them. */
  batch: z.int().min(1).max(10_000).optional(),
  /** Failed nodes that end the run; absent: any number may fail. */
  stopAfter: z.int().min(1).max(10_000).optional(),
  /** A node that has not booted this long after its order has failed; default DEFAULT_BOOT_SECONDS. */
  bootSeconds: z.int().min(60).max(30 * 86_400).optional(),
  /** A time that passed while the server was off is made up for; absent: it is skipped. */
  catchUp: z.boolean().optional(),
};

/** All of it: what is absent is not kept, but for the passphrase of an image that stays the same. */
export const ScheduleTerms = z.strictObject({
  ...Settings,
  order: ScheduledOrder,
  /** As in the IANA database: "Europe/Vienna"; absent: the server's own. */
  zone: text(64).min(1).optional(),
});
export type ScheduleTerms = z.output<typeof ScheduleTerms>;

export const ScheduleAdd = ScheduleTerms.extend({ name: ScheduleName });
export type ScheduleAdd = z.output<typeof ScheduleAdd>;

/** What a schedule would do, with nodes and images as they are now. */
export const SchedulePreview = z.object({
  zone: text(64),
  /** Its next five times, and when a run begins then: once a window is open. */
  upcoming: z.array(z.object({ planned: time, begins: time })).max(5),
  /** What a run would do to its nodes, by image; none if it writes to no node. */
  reviews: z.array(Review).max(10_000),
});
export type SchedulePreview = z.infer<typeof SchedulePreview>;

/**
 * How a run ended. "failed": some nodes did; "stopped": too many did, and the rest was not begun; "refused": nothing of
 * it may be done; "missed": its time passed while the server was off.
 */
export const RunOutcome = z.enum(["done", "failed", "stopped", "refused", "missed"]);
export type RunOutcome = z.infer<typeof RunOutcome>;

export const RunView = z.object({
  number: z.int(),
  cause: z.enum(["time", "catch-up", "by hand"]),
  /** The time that it is for. */
  planned: time,
  ended: time.optional(),
  outcome: RunOutcome.optional(),
  /** Why it was refused or stopped, or what it waits for. */
  reason: text(4000).optional(),
  /** Nodes by state; "ordered": armed, and not booted yet. */
  nodes: z.object({
    waiting: count,
    ordered: count,
    begun: count,
    done: count,
    failed: count,
    cancelled: count,
  }),
  /** The first of those that failed. */
  failures: z.array(z.object({ node: text(200), problem: text(4000) })).max(20),
});
export type RunView = z.infer<typeof RunView>;

export const ScheduleView = z.object({
  name: ScheduleName,
  ...Settings,
  /** Without the passphrase. */
  order: ScheduledOrder,
  /** The server keeps a passphrase for it. */
  hasPassphrase: z.boolean().optional(),
  zone: text(64),
  /** Who made it: its runs have this person's rights. */
  by: text(200),
  created: time,
  paused: z.boolean(),
  /** Its next time; absent while it is paused. */
  next: time.optional(),
  /** The run that is under way. */
  run: RunView.optional(),
  /** The run that ended last. */
  last: RunView.optional(),
});
export type ScheduleView = z.infer<typeof ScheduleView>;

export const ScheduleDetails = ScheduleView.extend({
  /** Its next three times, paused or not. */
  upcoming: z.array(time).max(3),
  /** Newest first. */
  runs: z.array(RunView).max(20),
});
export type ScheduleDetails = z.infer<typeof ScheduleDetails>;
