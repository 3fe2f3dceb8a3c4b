import { Hono } from "hono";
import {
  ConsoleQuery,
  DeleteNodeQuery,
  DeployRequest,
  DiscoverRequest,
  HistoryQuery,
  NodeChanges,
  NodeQuery,
  NodeSettings,
  PlanQuery,
  RecoveryKeyRequest,
  RestoreRequest,
  ReviewRequest,
} from "#contract/api.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, caller, type Env, makerOf, withoutTokens } from "../context.ts";
import { requireMatch, tag } from "../entity_tag.ts";
import { expandedNames } from "../subject.ts";
import { exactImage, isOfImage, keyBefore, pageOf } from "../pages.ts";

export function nodeRoutes({ fleet, images, power, bootBackups, closing }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/nodes", (c) => {
    const query = NodeQuery.parse(c.req.query());
    const { limit, state, group } = query, image = exactImage(query.image, images);
    const found = fleet.listAfter(keyBefore(query), group).filter((node) =>
      (state === undefined || node.state === state) && isOfImage(node.image, image)
    );
    return c.json(pageOf(c, found, { limit, keyOf: ({ name }) => name }));
  });
  app.get("/nodes/:node", (c) => {
    const node = fleet.get(c.req.param("node"));
    fleet.agents.watch(node.id);
    tag(c, node.settings);
    return c.json(node);
  });
  app.put(
    "/nodes/:node",
    async (c) => {
      const key = c.req.param("node"), settings = await jsonBody(c.req, NodeSettings);
      requireMatch(c, () => fleet.settings(key));
      const node = fleet.put(key, settings);
      tag(c, node.settings);
      return c.json(node);
    },
  );
  app.put(
    "/nodes",
    async (c) => c.json(fleet.putAll(await jsonBody(c.req, NodeChanges))),
  );
  app.delete("/nodes/:node", (c) => {
    const { force } = DeleteNodeQuery.parse(c.req.query());
    const key = c.req.param("node");
    requireMatch(c, () => fleet.settings(key));
    fleet.delete(key, { force: force === "true" });
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
  app.get("/nodes/:node/console", async (c) => {
    const { after, waitSeconds } = ConsoleQuery.parse(c.req.query());
    const signal = AbortSignal.any([closing, c.req.raw.signal, AbortSignal.timeout(waitSeconds * 1000)]);
    return c.json(await fleet.console(c.req.param("node"), { after, signal }));
  });
  app.get("/nodes/:node/history", (c) => {
    const query = HistoryQuery.parse(c.req.query()), { limit } = query;
    const items = fleet.timeline(c.req.param("node"), { after: keyBefore(query) });
    return c.json(pageOf(c, items, { limit, keyOf: ({ key }) => key }).map(({ entry }) => entry));
  });

  app.get("/nodes/:node/hardware", (c) => c.json(fleet.hardwareHistory(c.req.param("node"))));
  app.post("/nodes/:node/accept-hardware", (c) => c.json(fleet.acceptHardware(c.req.param("node"))));
  app.post("/nodes/:node/forget-tpm", (c) => c.json(fleet.forgetTpm(c.req.param("node"))));

  app.post(
    "/discoveries",
    async (c) => c.json(withoutTokens(c, fleet.discoveries.arm(await jsonBody(c.req, DiscoverRequest)))),
  );
  app.post("/reviews", async (c) => {
    const request = await jsonBody(c.req, ReviewRequest);
    const nodes = expandedNames(request.nodes, fleet);
    return c.json(await fleet.reviews.make({ ...request, nodes }));
  });
  app.post("/deployments", async (c) => {
    const request = await jsonBody(c.req, DeployRequest);
    const { name: by } = makerOf(c), ahead = await fleet.orders.planAhead(request);
    await fleet.reviews.confirm(request, { kind: "deployment", ahead });
    const order = () => fleet.orders.deploy(request, { by, ahead });
    return c.json(withoutTokens(c, power.ordered(request, order)));
  });
  app.post("/restores", async (c) => {
    const request = await jsonBody(c.req, RestoreRequest);
    const { name: by } = makerOf(c), ahead = await fleet.orders.planAhead(fleet.orders.installOf(request));
    await fleet.reviews.confirm(request, { kind: "restore", ahead });
    const order = () => fleet.orders.restore(request, { by, ahead });
    return c.json(withoutTokens(c, power.ordered({ nodes: [] }, order)));
  });
  return app;
}
