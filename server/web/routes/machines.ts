import { Hono } from "hono";
import { AdoptRequest } from "#contract/api/machines.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

/** Machines that appeared and are no nodes yet. */
export function machineRoutes({ fleet }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/machines", (c) => c.json(fleet.machines.list()));
  app.post("/machines/adopt", async (c) => c.json(fleet.adopt(await jsonBody(c.req, AdoptRequest))));
  return app;
}
