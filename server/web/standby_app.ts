/** What a standby answers while it follows: that it lives, how far it is, and the order to take over. */
import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { API } from "#contract/api.ts";
import { EPOCH, type StandbyOverview, type TakeOver } from "#contract/api/standbys.ts";
import { RackseedError } from "#contract/errors.ts";
import type { AdminToken } from "../access/admin_token.ts";
import { bearerOf, type Env, peerAddress } from "./context.ts";
import { answerError, notFound } from "./problems.ts";

interface StandbyParts {
  readonly caPem: string;
  /** As it is now: a new one comes from the server like every other file. */
  readonly admin: () => Pick<AdminToken, "isToken">;
  readonly overview: () => StandbyOverview;
  /** Of the server's epoch, for the header. */
  readonly statement: () => string;
  /** Begins; the standby then ends, and the server starts. Throws RackseedError (409). */
  readonly takeOver: (by: { address: string }) => void;
}

/** `GET /standbys` and `POST /take-over` need the admin token: users are in the database, which is not open. */
export function createStandbyApp({ caPem, admin, overview, statement, takeOver }: StandbyParts): Hono<Env> {
  const app = new Hono<Env>();
  app.onError(answerError);
  app.notFound(notFound);
  app.get("/ca.pem", (c) => c.body(caPem, 200, { "content-type": "application/x-pem-file" }));
  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => c.text(`not ready: it follows ${overview().following?.server}\n`, 503));
  const api = new Hono<Env>();
  api.use("*", async (c, next) => {
    await next();
    c.res.headers.set(EPOCH, statement());
  });
  api.get("/standing", (c) => {
    const { role, epoch } = overview();
    return c.json({ role, epoch });
  });
  const needAdmin = createMiddleware<Env>(async (c, next) => {
    if (!admin().isToken(bearerOf(c) ?? "")) throw notAdmin();
    await next();
  });
  api.get("/standbys", needAdmin, (c) => c.json(overview()));
  api.post("/take-over", needAdmin, (c) => {
    takeOver({ address: peerAddress(c) });
    return c.json({} satisfies { tookOver?: TakeOver }, 202);
  });
  // the address may have moved here already: to an agent, a refusal would mean that its order is void
  api.all("*", () => {
    throw new RackseedError("cannot answer this", {
      reason: `this server is a standby of ${overview().following?.server}.`,
      remedy: "ask that server; or, if it has failed, let this one take over: rackseed server take-over",
      status: 503,
    });
  });
  app.route(API, api);
  return app;
}

function notAdmin(): RackseedError {
  return new RackseedError("cannot accept this request", {
    reason: "a standby takes only the admin token.",
    remedy: "run the command on the standby itself, as its server's user, or give the admin token.",
    status: 401,
  });
}
