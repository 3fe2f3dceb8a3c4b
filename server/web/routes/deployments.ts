import { Hono } from "hono";
import { CancelDeploymentRequest, ComparisonQuery, DeploymentQuery, RetryRequest } from "#contract/api.ts";
import { present } from "../../fleet/present.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, makerOf, withoutTokens } from "../context.ts";
import { exactImage, keyBefore, pageOf } from "../pages.ts";

/** Deployments as a whole. */
export function deploymentRoutes({ fleet, images, power, bootBackups }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  const { batchViews: views, batchOrders: orders } = fleet;

  app.get("/deployments", (c) => {
    const query = DeploymentQuery.parse(c.req.query());
    const image = present("image", exactImage(query.image, images));
    const found = fleet.deployments({ ...query, ...image }, { before: keyBefore(query) });
    return c.json(pageOf(c, found, { limit: query.limit, keyOf: ({ key }) => key }).map(({ view }) => view));
  });
  app.get("/deployments/:id", (c) => c.json(views.view(c.req.param("id"))));
  app.get("/deployments/:id/progress", (c) => c.json(views.progress(c.req.param("id"))));
  app.get("/deployments/:id/swarm", (c) => c.json(views.swarm(c.req.param("id"))));
  app.get("/deployments/:id/comparison", (c) => {
    const { with: other } = ComparisonQuery.parse(c.req.query());
    return c.json(views.comparison(c.req.param("id"), other));
  });

  app.post("/deployments/:id/cancel", async (c) => {
    const cancelled = orders.cancel(c.req.param("id"), await jsonBody(c.req, CancelDeploymentRequest));
    for (const { id } of cancelled) bootBackups.endCapture(id);
    return c.json({ nodes: cancelled.map(({ name }) => name) });
  });
  app.post("/deployments/:id/retry", async (c) => {
    const id = c.req.param("id"), body = await jsonBody(c.req, RetryRequest);
    const ahead = await fleet.orders.planAhead(orders.retryRequest(id, body));
    // a node that failed may have a newer order by now
    const request = orders.retryRequest(id, body);
    const order = () => orders.retry(request, { by: makerOf(c).name, ahead });
    return c.json(withoutTokens(c, power.ordered(request, order)));
  });
  app.post("/deployments/:id/pause", (c) => {
    const id = c.req.param("id");
    orders.pause(id, { by: makerOf(c).name });
    return c.json(views.view(id));
  });
  app.post("/deployments/:id/resume", (c) => {
    const id = c.req.param("id");
    orders.resume(id);
    return c.json(views.view(id));
  });
  return app;
}
