/**
 * The page over HTTPS: login by the link that the server prints or by the token, then a single page that is kept
 * current by its own event stream, whose events are rendered rows.
 */
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { secureHeaders } from "hono/secure-headers";
import { DeployRequest, PlanQuery, type ServerEvent } from "#contract/api.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, hasCookie, peerAddress, refuseForeignOrigin } from "../context.ts";
import type { Format } from "../live.ts";
import { ADMIN_TOKEN } from "../../access/admin_token.ts";
import { COOKIE, SESSION_SECONDS } from "../../access/page_sessions.ts";
import { RECENT_CAPTURES, watch } from "../routes/events.ts";
import { describeSwarm, LoginPage, NoticeItem, Page } from "./document.tsx";
import script from "./page.js" with { type: "text" };
import style from "./page.css" with { type: "text" };
import { helpRoutes } from "../help/routes.tsx";
import { NodeDetails } from "./node_details.tsx";
import { Plans } from "./plans.tsx";
import { CaptureRow, HookRow, ImageRow, NodeRow, TemplateRow } from "./rows.tsx";

export function pageRoutes(context: ApiContext): Hono<Env> {
  const { admin, sessions, logins, fleet, templates, captures, images, swarm, hooks, notices } = context;
  const app = new Hono<Env>();

  app.use(secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      connectSrc: ["'self'"],
      imgSrc: ["'self'", "data:"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
    // the certificate is self-signed: HSTS would lock the browser out of the host's plain HTTP services for a year
    strictTransportSecurity: false,
    // with "no-referrer", browsers send `Origin: null` even with the page's own forms (Fetch Standard, "append a
    // request Origin")
    referrerPolicy: "same-origin",
  }));

  app.route("/", helpRoutes());
  app.get("/page.js", (c) => c.body(script, 200, { "content-type": "text/javascript; charset=utf-8" }));
  app.get("/page.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));

  app.get("/", (c) => {
    c.header("cache-control", "no-store");
    const token = c.req.query("token");
    if (token !== undefined) {
      if (!admin.isToken(token)) return refuseLogin(c);
      logIn(c);
      return c.redirect("/", 303);
    }
    if (!hasCookie(c, sessions)) return c.html(html(<LoginPage />));
    return c.html(html(
      <Page
        nodes={fleet.list()}
        templates={templates.list()}
        captures={captures.list().slice(-RECENT_CAPTURES).reverse()}
        images={images.list()}
        hooks={hooks.list()}
        swarm={swarm.settings()}
        notices={notices.list()}
      />,
    ));
  });

  app.post("/login", async (c) => {
    refuseForeignOrigin(c);
    const { token } = await c.req.parseBody();
    if (typeof token !== "string" || !admin.isToken(token.trim())) {
      return refuseLogin(c);
    }
    logIn(c);
    return c.redirect("/", 303);
  });

  app.post("/logout", (c) => {
    refuseForeignOrigin(c);
    if (hasCookie(c, sessions)) logins.loggedOut(ADMIN_TOKEN, peerAddress(c));
    sessions.end(getCookie(c, COOKIE) ?? "");
    deleteCookie(c, COOKIE, { path: "/", secure: true });
    return c.redirect("/", 303);
  });

  app.get("/page/nodes/:node", (c) => {
    if (!hasCookie(c, sessions)) return c.body(null, 401);
    const key = c.req.param("node");
    const node = fleet.get(key);
    return c.html(`${<NodeDetails node={node} log={fleet.log(key)} uses={fleet.recoveryKeyUses(key)} />}`);
  });

  app.post("/page/plans", async (c) => {
    refuseForeignOrigin(c);
    if (!hasCookie(c, sessions)) return c.body(null, 401);
    const { nodes, ...query } = await jsonBody(c.req, PlansRequest), { image, unlock } = query;
    const planned = nodes.map((key) => ({ node: fleet.get(key), preview: fleet.plan(key, query) }));
    const isEncrypted = image !== undefined && (images.get(image).layout?.encrypted?.length ?? 0) > 0;
    return c.html(`${<Plans planned={planned} isEncrypted={isEncrypted} unlock={unlock} />}`);
  });

  const format = asRows(context);
  app.get("/page/events", (c) => {
    const until = sessions.untilEnd(getCookie(c, COOKIE) ?? "");
    return until ? watch(context, { format, until }) : c.body(null, 204);
  });
  return app;

  function refuseLogin(c: Context<Env>): Response | Promise<Response> {
    logins.failed("unknown token", { address: peerAddress(c), status: 401 });
    return c.html(html(<LoginPage problem={WRONG_TOKEN} />), 401);
  }

  function logIn(c: Context<Env>): void {
    logins.succeeded(ADMIN_TOKEN, peerAddress(c));
    setCookie(c, COOKIE, sessions.begin(), {
      path: "/",
      httpOnly: true,
      secure: true,
      sameSite: "Strict",
      maxAge: SESSION_SECONDS,
    });
  }
}

/** A request of the dialogs for deployments and restores: too many nodes for a query. */
const PlansRequest = PlanQuery.extend({ nodes: DeployRequest.shape.nodes });

const WRONG_TOKEN = "Wrong token for this server.";

function html(page: { toString(): string }): string {
  return `<!doctype html>${page}`;
}

function asRows({ images, hooks }: ApiContext): Format {
  return (event: ServerEvent) => JSON.stringify(change(event));

  function change(event: ServerEvent): Record<string, string> {
    switch (event.type) {
      case "node":
        return { table: "nodes", row: `${<NodeRow node={event.node} />}` };
      case "node-removed":
        return { removed: event.name };
      case "template":
        return { table: "templates", row: `${<TemplateRow template={event.template} />}` };
      case "capture":
        return { table: "captures", row: `${<CaptureRow capture={event.capture} />}` };
      case "images":
        return {
          table: "images",
          rows: images.list().map((image) => `${<ImageRow image={image} />}`).join(""),
        };
      case "hooks":
        return { table: "hooks", rows: hooks.list().map((hook) => `${<HookRow hook={hook} />}`).join("") };
      case "notices":
        return { notices: event.notices.map((notice) => `${<NoticeItem notice={notice} />}`).join("") };
      case "swarm":
        return { swarm: describeSwarm(event.settings) };
    }
  }
}
