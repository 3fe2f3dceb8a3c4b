import { Hono } from "hono";
import { SwarmChange } from "#contract/api/distribution.ts";
import { PackStoreMove } from "#contract/api/pack_store.ts";
import { RackseedError } from "#contract/errors.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";
import { requireMatch, tag } from "../entity_tag.ts";

/** The server as a whole: its swarm settings, its pack store, its problems, its Secure Boot key and its backup. */
export function swarmRoutes({ swarm, notices, packStore, secureBoot, backUp }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/notices", (c) => c.json(notices.list()));
  app.get("/secure-boot", (c) => {
    if (secureBoot !== undefined) return c.json(secureBoot);
    throw new RackseedError("cannot show the Secure Boot key", {
      reason: "this server signs nothing.",
      remedy: "start it with --signed-images on, --sign-disks or --request-mok.",
      status: 404,
    });
  });
  app.post(
    "/server/backup",
    () =>
      new Response(backUp(), {
        headers: { "content-type": "application/x-tar", "cache-control": "no-store" },
      }),
  );
  app.get("/pack-store", (c) => c.json(packStore.view()));
  app.post("/pack-store", async (c) => {
    const { home } = await jsonBody(c.req, PackStoreMove);
    return c.json(packStore.moveTo(home));
  });
  app.get("/swarm", (c) => {
    const settings = swarm.settings();
    tag(c, settings);
    return c.json(settings);
  });
  app.post("/swarm", async (c) => {
    const change = await jsonBody(c.req, SwarmChange);
    requireMatch(c, () => swarm.settings());
    const settings = swarm.change(change);
    tag(c, settings);
    return c.json(settings);
  });
  return app;
}
