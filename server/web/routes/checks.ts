import { Hono } from "hono";
import { CheckProgress, CheckRequest, CheckResult } from "#contract/api/checks.ts";
import { ProblemSchema } from "#contract/api.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

/** Comparisons of running nodes with their images: what people order and see, and what the agents on the nodes send. */
export function checkRoutes({ checks }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/checks", async (c) => c.json(checks.order(await jsonBody(c.req, CheckRequest))));
  app.get("/nodes/:node/check", (c) => c.json(checks.report(c.req.param("node"))));

  app.get("/checks/:id/manifest", async (c) =>
    c.body(await checks.manifest(c.req.param("id")), 200, {
      "content-type": "application/zstd",
      "cache-control": "no-store",
    }));
  app.post("/checks/:id/progress", async (c) => {
    checks.progress(c.req.param("id"), await jsonBody(c.req, CheckProgress));
    return c.body(null, 204);
  });
  app.put("/checks/:id/result", async (c) => {
    checks.complete(c.req.param("id"), await jsonBody(c.req, CheckResult));
    return c.body(null, 204);
  });
  app.post("/checks/:id/failed", async (c) => {
    checks.fail(c.req.param("id"), await jsonBody(c.req, ProblemSchema));
    return c.body(null, 204);
  });
  return app;
}
