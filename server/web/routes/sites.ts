import { type Context, Hono } from "hono";
import { SiteAdd, type SiteEvent, SiteEventQuery, SiteImageKey, SiteKey } from "#contract/api/sites.ts";
import { RackseedError } from "#contract/errors.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";
import { keyBefore, pageOf } from "../pages.ts";

/** Sites, as people see and change them; and the upstream of this server, if it is a relay. */
export function siteRoutes({ sites, upstream }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/sites", (c) => c.json(sites.list()));
  app.post("/sites", async (c) => {
    const { name } = await jsonBody(c.req, SiteAdd);
    return c.json(sites.add(name));
  });
  app.get("/sites/:site", (c) => c.json(sites.get(siteOf(c))));
  app.delete("/sites/:site", (c) => {
    sites.remove(siteOf(c));
    return c.body(null, 204);
  });
  app.get("/sites/:site/events", (c) => {
    const query = SiteEventQuery.parse(c.req.query()), { limit, node } = query;
    const cursor = keyBefore(query), before = cursor === undefined ? undefined : Number(cursor);
    const found = sites.events(siteOf(c), { before, node, limit: limit + 1 });
    const page = pageOf(c, found, { limit, keyOf: ({ number }) => String(number) });
    return c.json(page.map(({ number: _, ...event }): SiteEvent => event));
  });
  app.post("/sites/:site/token", (c) => c.json(sites.makeToken(siteOf(c))));
  app.post("/sites/:site/revoke", (c) => c.json(sites.revoke(siteOf(c))));
  app.put("/sites/:site/images/:ref", (c) => {
    const { site, ref } = SiteImageKey.parse(c.req.param());
    return c.json(sites.assign(site, ref));
  });
  app.delete("/sites/:site/images/:ref", (c) => {
    const { site, ref } = SiteImageKey.parse(c.req.param());
    return c.json(sites.unassign(site, ref));
  });
  app.get("/upstream", (c) => {
    if (upstream) return c.json(upstream.view());
    throw new RackseedError("cannot show the upstream", {
      reason: "this server is no relay.",
      remedy: "start it with --upstream https://HOST:8443.",
      status: 404,
    });
  });
  return app;
}

function siteOf({ req }: Context): string {
  return SiteKey.parse(req.param()).site;
}
