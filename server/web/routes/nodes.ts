import { Hono } from "hono";
import { z } from "zod";
import {
  DeployRequest,
  DiscoverRequest,
  NodeChange,
  NodeSettings,
  PlanQuery,
  RecoveryKeyRequest,
  RestoreRequest,
} from "#contract/api.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, caller, type Env, withoutTokens } from "../context.ts";

export function nodeRoutes({ fleet, bootBackups }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/nodes", (c) => c.json(fleet.list()));
  app.get("/nodes/:node", (c) => c.json(fleet.get(c.req.param("node"))));
  app.put(
    "/nodes/:node",
    async (c) => c.json(fleet.put(c.req.param("node"), await jsonBody(c.req, NodeSettings))),
  );
  app.put(
    "/nodes",
    async (c) => c.json(fleet.putAll(await jsonBody(c.req, z.array(NodeChange).min(1).max(10_000)))),
  );
  app.delete("/nodes/:node", (c) => {
    fleet.delete(c.req.param("node"), { force: c.req.query("force") === "true" });
    return c.body(null, 204);
  });
  app.get("/nodes/:node/recovery-key", (c) => c.json(fleet.recoveryKeyUses(c.req.param("node"))));
  app.post("/nodes/:node/recovery-key", async (c) => {
    const { again } = await jsonBody(c.req, RecoveryKeyRequest);
    c.header("cache-control", "no-store");
    return c.json(fleet.showRecoveryKey(c.req.param("node"), { who: caller(c), again }));
  });
  app.post("/nodes/:node/cancel", (c) => {
    const node = fleet.orders.cancel(c.req.param("node"));
    bootBackups.endCapture(node.id);
    return c.json(node);
  });
  app.get(
    "/nodes/:node/plan",
    (c) => c.json(fleet.plan(c.req.param("node"), PlanQuery.parse(c.req.query()))),
  );
  app.get("/nodes/:node/log", (c) => c.json(fleet.log(c.req.param("node"))));

  app.get("/nodes/:node/hardware", (c) => c.json(fleet.hardwareHistory(c.req.param("node"))));
  app.post("/nodes/:node/accept-hardware", (c) => c.json(fleet.acceptHardware(c.req.param("node"))));

  app.post(
    "/discoveries",
    async (c) => c.json(withoutTokens(c, fleet.discoveries.arm(await jsonBody(c.req, DiscoverRequest)))),
  );
  app.post(
    "/deployments",
    async (c) => c.json(withoutTokens(c, fleet.orders.deploy(await jsonBody(c.req, DeployRequest)))),
  );
  app.post(
    "/restores",
    async (c) => c.json(withoutTokens(c, fleet.orders.restore(await jsonBody(c.req, RestoreRequest)))),
  );
  app.get("/deployments/:id", (c) => c.json(fleet.deployment(c.req.param("id"))));
  return app;
}
