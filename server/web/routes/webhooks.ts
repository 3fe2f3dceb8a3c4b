import { Hono } from "hono";
import { ResendRequest, WebhookName, WebhookSettings } from "#contract/api/webhooks.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

/** Webhooks, mail, and the messages that their receivers did not take, see #contract/api/webhooks.ts. */
export function webhookRoutes({ webhooks }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/webhooks", (c) => c.json(webhooks.list()));
  app.put("/webhooks/:webhook", async (c) => {
    const name = WebhookName.parse(c.req.param("webhook"));
    return c.json(webhooks.put(name, await jsonBody(c.req, WebhookSettings)));
  });
  app.delete("/webhooks/:webhook", (c) => {
    webhooks.delete(c.req.param("webhook"));
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
