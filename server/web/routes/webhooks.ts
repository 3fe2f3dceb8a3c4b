import { Hono } from "hono";
import { ResendRequest, WebhookKey, WebhookSettings } from "#contract/api/webhooks.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";
import { requireMatch, tag } from "../entity_tag.ts";

/** Webhooks, mail, and the messages that their receivers did not take, see #contract/api/webhooks.ts. */
export function webhookRoutes({ webhooks }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/webhooks", (c) => c.json(webhooks.list()));
  const current = (name: string) => {
    const webhook = webhooks.list().find((webhook) => webhook.name === name);
    return webhook && settingsOf(webhook);
  };
  app.get("/webhooks/:webhook", (c) => {
    const webhook = webhooks.get(c.req.param("webhook"));
    tag(c, settingsOf(webhook));
    return c.json(webhook);
  });
  app.put("/webhooks/:webhook", async (c) => {
    const { webhook: name } = WebhookKey.parse(c.req.param());
    const settings = await jsonBody(c.req, WebhookSettings);
    requireMatch(c, () => current(name));
    const webhook = webhooks.put(name, settings);
    tag(c, settingsOf(webhook));
    return c.json(webhook);
  });
  app.delete("/webhooks/:webhook", (c) => {
    const name = c.req.param("webhook");
    requireMatch(c, () => current(name));
    webhooks.delete(name);
    return c.body(null, 204);
  });
  app.post("/webhooks/:webhook/test", async (c) => c.json(await webhooks.test(c.req.param("webhook"))));
  app.get("/mail", (c) => c.json(webhooks.mail()));
  app.post("/mail/test", async (c) => c.json(await webhooks.testMail()));
  app.get("/webhook-failures", (c) => c.json(webhooks.failed()));
  app.post("/webhook-failures/resend", async (c) => {
    const { ids } = await jsonBody(c.req, ResendRequest);
    return c.json({ resent: webhooks.resend(ids) });
  });
  return app;
}

function settingsOf({ url, events }: WebhookSettings): object {
  return { url, events };
}
