import { Hono } from "hono";
import type { CaptureOrder } from "#contract/api.ts";
import { TemplateAnnouncement } from "#contract/api.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, peerAddress } from "../context.ts";
import type { CaptureOrders } from "../capture_orders.ts";

const POLL_MS = 30_000;

export function templateRoutes(
  { templates, hooks, live, closing }: ApiContext,
  orders: CaptureOrders,
): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/templates", (c) => c.json(templates.list()));

  app.post("/templates", async (c) => {
    const announcement = await jsonBody(c.req, TemplateAnnouncement);
    const template = templates.announce(announcement, { address: peerAddress(c) });
    live.publish({ type: "template", template });
    return c.json({ id: template.id });
  });

  app.get("/templates/:id/orders", async (c) => {
    const { id } = templates.get(c.req.param("id"));
    if (templates.touch(id)) live.publish({ type: "template", template: templates.get(id) });
    const { signal } = c.req.raw;
    const order = await orders.next(id, {
      signal: AbortSignal.any([signal, closing, AbortSignal.timeout(POLL_MS)]),
    });
    if (signal.aborted) {
      templates.leave(id);
      live.publish({ type: "template", template: templates.get(id) });
    } else templates.touch(id);
    if (!order) return c.body(null, 204);
    const around = hooks.ofCapture(order.image);
    return c.json({ ...order, ...(around.length > 0 && { hooks: around }) } satisfies CaptureOrder);
  });
  return app;
}
