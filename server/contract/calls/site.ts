/** Calls about the server and its swarm: settings, problems, webhooks, events, backup. */
import { z } from "zod";
import { SwarmChange, SwarmSettings } from "../api/distribution.ts";
import { ServerEvent } from "../api/events.ts";
import { Notice } from "../api/notices.ts";
import { PackStoreMove, PackStoreView } from "../api/pack_store.ts";
import { SecureBootView } from "../api/secure_boot.ts";
import {
  FailedDelivery,
  MailView,
  NewWebhook,
  ResendAnswer,
  ResendRequest,
  WebhookKey,
  WebhookSettings,
  WebhookTest,
  WebhookView,
} from "../api/webhooks.ts";
import { type Calls, tar } from "./call.ts";

export const siteCalls = {
  "GET /openapi.json": {
    summary: "Read this document.",
    answer: z.looseObject({ openapi: z.string() }),
  },
  "GET /events": {
    summary: "Follow live events: the state of everything, then every change.",
    answer: {
      media: "text/event-stream",
      about: "Server-sent events without names or ids.",
      line: ServerEvent,
    },
  },
  "GET /notices": {
    summary: "List problems of the server that an operator can fix.",
    answer: z.array(Notice),
  },
  "GET /swarm": {
    summary: "Show the settings of the swarm.",
    isTagged: true,
    answer: SwarmSettings,
  },
  "POST /swarm": {
    summary: "Change settings of the swarm.",
    isTagged: true,
    about: "What is left out stays; null clears a setting.",
    body: SwarmChange,
    answer: SwarmSettings,
  },
  "GET /pack-store": {
    summary: "Show where the images are: on the local disk or in a bucket.",
    answer: PackStoreView,
  },
  "POST /pack-store": {
    summary: "Move all images into the bucket, or back to the local disk.",
    about: "The answer comes at once; follow the move by GET /pack-store.",
    body: PackStoreMove,
    answer: PackStoreView,
    errors: [409],
  },
  "GET /secure-boot": {
    summary: "Show the site's Secure Boot certificate, and the files that enrol it.",
    answer: SecureBootView,
    errors: [404],
  },
  "POST /server/backup": {
    summary: "Back up the server's database, keys and certificates.",
    answer: tar("It holds every secret of the site."),
  },
  "GET /mail": {
    summary: "Show how mail is sent, and what waits for it.",
    answer: MailView,
    errors: [404],
  },
  "POST /mail/test": {
    summary: "Send a test mail, once and now.",
    answer: WebhookTest,
    errors: [404],
  },
  "GET /webhooks": {
    summary: "List the webhooks, by name.",
    answer: z.array(WebhookView),
  },
  "GET /webhooks/:webhook": {
    summary: "Show a webhook, without its secret.",
    isTagged: true,
    answer: WebhookView,
  },
  "PUT /webhooks/:webhook": {
    summary: "Create or replace a webhook; its secret is shown this once.",
    isTagged: true,
    params: WebhookKey,
    body: WebhookSettings,
    answer: NewWebhook,
    errors: [409],
  },
  "DELETE /webhooks/:webhook": {
    summary: "Delete a webhook.",
    isTagged: true,
  },
  "POST /webhooks/:webhook/test": {
    summary: "Send a test message to a webhook, once and now.",
    answer: WebhookTest,
  },
  "GET /webhook-failures": {
    summary: "List the messages that could not be delivered.",
    answer: z.array(FailedDelivery),
  },
  "POST /webhook-failures/resend": {
    summary: "Send failed messages once more.",
    body: ResendRequest,
    answer: ResendAnswer,
  },
} as const satisfies Calls;
