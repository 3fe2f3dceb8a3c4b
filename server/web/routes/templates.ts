import { Hono } from "hono";
import type { CaptureOrder, RestartOrder } from "#contract/api.ts";
import { type CheckOrder, OrderQuery } from "#contract/api/checks.ts";
import { RestartReport, TemplateAnnouncement } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, peerAddress } from "../context.ts";

const POLL_MS = 30_000;

export function templateRoutes(context: ApiContext): Hono<Env> {
  const { templates, agentOrders, fleet, hooks, live, closing } = context;
  const app = new Hono<Env>();

  app.get("/templates", (c) => c.json(templates.list()));

  app.post("/templates", async (c) => {
    const { restart, ...announcement } = await jsonBody(c.req, TemplateAnnouncement), own = c.get("agentOf");
    refuseOtherName(announcement, own);
    // an order to restart has the secret that opens the node's image: it is for the node's own agent
    const announced = own === undefined ? announcement : { ...announcement, restart };
    const template = templates.announce(announced, { address: peerAddress(c) });
    if (own !== undefined) fleet.restarts.announced(own);
    live.publish({ type: "template", template });
    return c.json({ id: template.id });
  });

  app.get("/templates/:id/orders", async (c) => {
    const { checks: takesChecks = false } = OrderQuery.parse(c.req.query());
    const { id, name } = templates.get(c.req.param("id"));
    if (templates.touch(id)) live.publish({ type: "template", template: templates.get(id) });
    const { signal } = c.req.raw;
    const order = await agentOrders.next({ id, name }, {
      isOwn: c.get("agentOf") === name,
      takesChecks,
      signal: AbortSignal.any([signal, closing, AbortSignal.timeout(POLL_MS)]),
    });
    if (signal.aborted) {
      templates.leave(id);
      live.publish({ type: "template", template: templates.get(id) });
    } else templates.touch(id);
    if (!order) return c.body(null, 204);
    if ("check" in order) return c.json(order satisfies CheckOrder);
    if ("restart" in order) {
      c.header("cache-control", "no-store");
      return c.json(order satisfies RestartOrder);
    }
    const around = hooks.ofCapture(order.image);
    return c.json({ ...order, ...(around.length > 0 && { hooks: around }) } satisfies CaptureOrder);
  });

  app.get("/templates/:id/boot/:file{vmlinuz|initramfs}", (c) => {
    const { name } = templates.get(c.req.param("id"));
    return context.bootFile(`images/${fleet.restarts.imageOf(name)}/${c.req.param("file")}`);
  });

  app.post("/templates/:id/restart", async (c) => {
    const report = await jsonBody(c.req, RestartReport);
    fleet.restarts.report(templates.get(c.req.param("id")).name, report);
    return c.body(null, 204);
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
