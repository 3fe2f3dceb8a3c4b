import { Hono } from "hono";
import type { CaptureOrder } from "#contract/api.ts";
import type { CheckOrder } from "#contract/api/checks.ts";
import { TemplateAnnouncement } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, peerAddress } from "../context.ts";

const POLL_MS = 30_000;

export function templateRoutes({ templates, orders, checks, hooks, live, closing }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/templates", (c) => c.json(templates.list()));

  app.post("/templates", async (c) => {
    const announcement = await jsonBody(c.req, TemplateAnnouncement);
    refuseOtherName(announcement, c.get("agentOf"));
    const template = templates.announce(announcement, { address: peerAddress(c) });
    live.publish({ type: "template", template });
    return c.json({ id: template.id });
  });

  app.get("/templates/:id/orders", async (c) => {
    const { id, name } = templates.get(c.req.param("id"));
    const takesChecks = c.req.query("checks") === "true";
    if (templates.touch(id)) live.publish({ type: "template", template: templates.get(id) });
    const { signal } = c.req.raw;
    const order = await orders.next(id, {
      other: () => takesChecks ? checks.orderFor(name) : undefined,
      signal: AbortSignal.any([signal, closing, AbortSignal.timeout(POLL_MS)]),
    });
    if (signal.aborted) {
      templates.leave(id);
      live.publish({ type: "template", template: templates.get(id) });
    } else templates.touch(id);
    if (!order) return c.body(null, 204);
    if ("check" in order) return c.json(order satisfies CheckOrder);
    const around = hooks.ofCapture(order.image);
    return c.json({ ...order, ...(around.length > 0 && { hooks: around }) } satisfies CaptureOrder);
  });
  return app;
}

/** A node's own agent may announce that node only. */
function refuseOtherName({ name }: TemplateAnnouncement, node: string | undefined): void {
  if (node === undefined || node === name) return;
  throw new RackseedError(`cannot announce the template ${name}`, {
    reason: `the token belongs to the node ${node}.`,
    remedy: `give --name ${node}, or the server's own token.`,
    status: 403,
  });
}
