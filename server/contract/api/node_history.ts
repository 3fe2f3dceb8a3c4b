/** A node's life: what was ordered for it, what happened to it, and who ordered it. */
import { z } from "zod";
import { count, id, ProblemSchema, text, time } from "./fields.ts";
import { PageQuery } from "./pages.ts";

/** "capture": of a template that is a node, too. "boot": from the network. "other": see `action`. */
export const HistoryKind = z.enum([
  "deployment",
  "restore",
  "dry-run",
  "backup",
  "capture",
  "discovery",
  "check",
  "first-boot",
  "boot",
  "hardware",
  "power",
  "settings",
  "cancel",
  "adoption",
  "recovery-key",
  "schedule",
  "other",
]);
export type HistoryKind = z.infer<typeof HistoryKind>;

/** "waiting": ordered, and not begun; "cancelled": before its end; "refused": nothing was done. */
export const HistoryResult = z.enum(["waiting", "running", "done", "failed", "cancelled", "refused"]);
export type HistoryResult = z.infer<typeof HistoryResult>;

/** Something that happened to a node. */
export const HistoryEvent = z.object({
  kind: HistoryKind,
  /** When it was ordered, or else when it happened. */
  at: time,
  result: HistoryResult,
  /** Image and version ("web@3"). */
  image: text(100).optional(),
  began: time.optional(),
  ended: time.optional(),
  /** The step that it failed or was cancelled at. */
  step: text(64).optional(),
  problem: ProblemSchema.optional(),
  /** What changed, was done or was found, a line each. */
  details: z.array(text(400)).max(64).optional(),
  /** Of its deployment, as in GET /deployments/:id. */
  deployment: id.optional(),
});
export type HistoryEvent = z.infer<typeof HistoryEvent>;

export const HistoryEntry = HistoryEvent.extend({
  /** Who ordered it, by name; absent if nobody did. */
  by: text(200).optional(),
  /** The action that was recorded, as in the audit log ("node.deploy"). */
  action: text(64).optional(),
});
export type HistoryEntry = z.infer<typeof HistoryEntry>;

/** GET /nodes/:node/history */
export const HistoryQuery = PageQuery.extend({ limit: PageQuery.shape.limit.default(50) });
export type HistoryQuery = z.infer<typeof HistoryQuery>;

/** A line of what a node's agent logs while it works. */
export const ConsoleLine = z.object({ number: count, at: time, text: text(1000) });
export type ConsoleLine = z.infer<typeof ConsoleLine>;

/** GET /nodes/:node/console */
export const ConsoleQuery = z.strictObject({
  /** `next` of the answer before; absent: all lines that are kept. */
  after: z.coerce.number().int().min(0).default(0),
  /** If there is no further line yet, the answer waits for one this long. */
  waitSeconds: z.coerce.number().int().min(0).max(30).default(0),
});

export const ConsoleView = z.object({
  lines: z.array(ConsoleLine),
  next: count,
  /** The order that the lines belong to. */
  deployment: id.optional(),
});
export type ConsoleView = z.infer<typeof ConsoleView>;
