import { Hono } from "hono";
import { SwarmChange } from "#contract/distribution.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

/** What the operator sets for the swarm of the whole site. */
export function swarmRoutes({ swarm }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/swarm", (c) => c.json(swarm.settings()));
  app.post("/swarm", async (c) => c.json(swarm.change(await jsonBody(c.req, SwarmChange))));
  return app;
}
