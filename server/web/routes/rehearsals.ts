import { Hono } from "hono";
import { RehearsalQuery, RehearsalRequest, type RehearsalView } from "#contract/api/rehearsals.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";
import { pageOf, sortedAfter } from "../pages.ts";

/** Rehearsals: versions booted in a virtual machine at the server. */
export function rehearsalRoutes({ rehearsals }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/images/:ref/rehearsals", async (c) => {
    const request = await jsonBody(c.req, RehearsalRequest);
    return c.json(
      await rehearsals.order(c.req.param("ref"), request, { by: c.get("principal")?.name ?? "" }),
    );
  });
  app.get("/images/:ref/rehearsals", (c) => c.json(rehearsals.of(c.req.param("ref"))));

  app.get("/rehearsals", (c) => {
    const query = RehearsalQuery.parse(c.req.query());
    const { limit, image, state } = query;
    // newest first: later times have smaller keys
    const keyOf = ({ ordered, id }: RehearsalView) =>
      `${String(LAST_MS - Date.parse(ordered)).padStart(15, "0")} ${id}`;
    const found = rehearsals.list().filter((one) =>
      (image === undefined || one.image === image) && (state === undefined || one.state === state)
    );
    return c.json(pageOf(c, sortedAfter(found, query, keyOf), { limit, keyOf }));
  });
  app.get("/rehearsals/:id", (c) => c.json(rehearsals.get(c.req.param("id"))));
  app.post(
    "/rehearsals/:id/cancel",
    (c) => c.json(rehearsals.cancel(c.req.param("id"), { by: c.get("principal")?.name ?? "" })),
  );

  app.get("/rehearsals/:id/console", async (c) =>
    c.body(await rehearsals.console(c.req.param("id")), 200, {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
    }));
  app.get(
    "/rehearsals/:id/screenshot",
    async (c) =>
      c.body(await rehearsals.screenshot(c.req.param("id")), 200, {
        "content-type": "image/png",
        "cache-control": "no-store",
      }),
  );
  return app;
}

/** Later than any rehearsal (ECMA-262, "Time Values"). */
const LAST_MS = 8.64e15 / 100;
