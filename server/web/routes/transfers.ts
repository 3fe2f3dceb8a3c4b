import { Hono } from "hono";
import { PullRequest, PushRequest } from "#contract/api/transfers.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

/** Versions in OCI registries. */
export function transferRoutes({ transfers }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/images/:ref/push", async (c) => {
    const { to } = await jsonBody(c.req, PushRequest);
    return c.json(transfers.push(c.req.param("ref"), to));
  });
  app.post("/images/pull", async (c) => {
    const { from, key } = await jsonBody(c.req, PullRequest);
    return c.json(transfers.pull(from, key));
  });
  app.get("/transfers/:id", (c) => c.json(transfers.get(c.req.param("id"))));
  app.post("/transfers/:id/cancel", async (c) => c.json(await transfers.cancel(c.req.param("id"))));
  app.post("/images/:name/key", (c) => {
    c.header("cache-control", "no-store");
    return c.json(transfers.key(c.req.param("name")));
  });
  return app;
}
