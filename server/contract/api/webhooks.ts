/** Webhooks and mail: whom the server tells what happened. */
import { z } from "zod";
import { text, time } from "./fields.ts";

export const WEBHOOK_EVENTS = [
  "deployment.done",
  "deployment.failed",
  "node.failed",
  "node.silent",
  "node.hardware",
  "node.drifted",
  "backup.overdue",
  "disk.nearly_full",
  "capture.done",
  "capture.failed",
  "schedule.done",
  "schedule.failed",
  "schedule.missed",
] as const;
export const WebhookEvent = z.enum(WEBHOOK_EVENTS);
export type WebhookEvent = z.infer<typeof WebhookEvent>;

export const WebhookName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
  error: "a webhook's name is 1 to 63 small letters, digits and hyphens",
});

/** In paths. */
export const WebhookKey = z.object({ webhook: WebhookName });

export const WebhookSettings = z.object({
  url: z.url({ protocol: /^https?$/, error: "a webhook's URL begins with https:// or http://" }).max(2000),
  /** Absent: all. */
  events: z.array(WebhookEvent).min(1).max(WEBHOOK_EVENTS.length).optional(),
});
export type WebhookSettings = z.infer<typeof WebhookSettings>;

export const WebhookView = WebhookSettings.extend({
  name: WebhookName,
  created: time,
  /** Messages that are to be delivered, and that failed for good. */
  waiting: z.int(),
  failed: z.int(),
  /** Why the last attempt failed; absent if it did not. */
  problem: text(1000).optional(),
});
export type WebhookView = z.infer<typeof WebhookView>;

/** `secret`: shown this once. */
export const NewWebhook = WebhookView.extend({ secret: z.string() });
export type NewWebhook = z.infer<typeof NewWebhook>;

/** The outcome of one attempt. */
export const WebhookTest = z.object({ delivered: z.boolean(), reason: text(1000).optional() });
export type WebhookTest = z.infer<typeof WebhookTest>;

export const FailedDelivery = z.object({
  id: text(64),
  /** The webhook's name, or "(mail)". */
  webhook: text(64),
  event: text(64),
  created: time,
  attempts: z.int(),
  reason: text(1000),
  /** The message, as JSON. */
  body: z.string(),
});
export type FailedDelivery = z.infer<typeof FailedDelivery>;

/** `ids`: absent for all failed deliveries. */
export const ResendRequest = z.object({ ids: z.array(text(64)).min(1).max(1000).optional() });
export const ResendAnswer = z.object({ resent: z.int() });

/** Mail as it is set (`mail-server` and others), and what waits for it. */
export const MailView = z.object({
  server: text(300),
  from: text(300),
  to: z.array(text(300)),
  events: z.array(WebhookEvent).optional(),
  waiting: z.int(),
  failed: z.int(),
  /** Why the last attempt failed; absent if it did not. */
  problem: text(1000).optional(),
});
export type MailView = z.infer<typeof MailView>;
