import { type Context, Hono } from "hono";
import { ContentQuery, EPOCH, FollowReport, FollowRequest, StandbyAdd } from "#contract/api/standbys.ts";
import { RackseedError } from "#contract/errors.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, bearer, type Env, peerAddress } from "../context.ts";

/** Standbys, as people manage them, and what a standby calls. */
export function standbyRoutes({ replication }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/standing", (c) => c.json(replication.standing()));
  app.get("/standbys", (c) => c.json(replication.overview()));
  app.post("/standbys", async (c) => {
    const { name } = await jsonBody(c.req, StandbyAdd);
    return c.json(replication.add(name));
  });
  app.delete("/standbys/:standby", (c) => {
    replication.remove(c.req.param("standby"));
    return c.body(null, 204);
  });
  // a service manager may order it of a server that serves already
  app.post("/take-over", (c) => {
    const { tookOver } = replication.overview();
    return c.json({ ...(tookOver && { tookOver }) });
  });

  app.post("/standbys/enrol", (c) => c.json(replication.enrol(bearer(c))));
  app.post("/standbys/follow", async (c) => {
    const secret = bearer(c);
    replication.knows(secret);
    return bytes(replication.follow(secret, await jsonBody(c.req, FollowRequest)));
  });
  app.post("/standbys/report", async (c) => {
    const secret = bearer(c);
    replication.knows(secret);
    replication.report(secret, await jsonBody(c.req, FollowReport), { address: peerAddress(c) });
    return c.body(null, 204);
  });
  app.get("/standbys/content", async (c) => {
    const secret = bearer(c);
    replication.knows(secret);
    const path = replication.content(ContentQuery.parse(c.req.query()).path);
    try {
      return bytes((await Deno.open(path)).readable);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new RackseedError("cannot send the file", {
        reason: "it is no longer here.",
        remedy: "nothing: the standby gets a new list.",
        status: 404,
      });
    }
  });
  return app;
}

function bytes(body: ReadableStream<Uint8Array<ArrayBuffer>>): Response {
  const headers = { "content-type": "application/octet-stream", "cache-control": "no-store" };
  return new Response(body, { headers });
}

/**
 * Tells every caller the server's epoch and takes theirs, see #contract/api/standbys.ts. An answer to a change waits until
 * a standby has it.
 */
export function withEpoch({ replication }: Pick<ApiContext, "replication">) {
  return async (c: Context<Env>, next: () => Promise<void>): Promise<void> => {
    replication.admit(c.req.header(EPOCH));
    await next();
    c.res.headers.set(EPOCH, replication.statement);
    const { pathname } = new URL(c.req.url);
    if (c.req.method !== "GET" && !pathname.includes("/standbys/")) await replication.kept();
  };
}
