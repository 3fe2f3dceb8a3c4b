/**
 * The page over HTTPS: a login (login_routes.tsx), then a single page that is kept current by its own event stream,
 * whose events are rendered rows.
 */
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { DeployRequest, PlanQuery, type ServerEvent } from "#contract/api.ts";
import { jsonBody } from "../body.ts";
import type { Principal } from "../../access/principal.ts";
import { type ApiContext, type Env, principalOf, refuseForeignOrigin } from "../context.ts";
import type { Format } from "../live.ts";
import { RECENT_CAPTURES, watch } from "../routes/events.ts";
import { namedBy } from "../subject.ts";
import { mayAdminister, mayChange, mayOperate, mayOrder } from "./abilities.ts";
import { deskRoutes } from "./desk_routes.tsx";
import { describeSwarm, NoticeItem, Page } from "./document.tsx";
import { loginRoutes } from "./login_routes.tsx";
import apiScript from "./api.js" with { type: "text" };
import script from "./page.js" with { type: "text" };
import style from "./page.css" with { type: "text" };
import { helpRoutes } from "../help/routes.tsx";
import { MachineRow } from "./machine_rows.tsx";
import { NodeDetails } from "./node_details.tsx";
import { Plans } from "./plans.tsx";
import { SchedulePage } from "./schedule_page.tsx";
import { html } from "./shell.tsx";
import { signOnRoutes } from "./sign_on_routes.tsx";
import { CaptureRow, HookRow, ImageRow, NodeRow, TemplateRow } from "./rows.tsx";

const SCRIPTS = { "api.js": apiScript, "page.js": script };

export function pageRoutes(context: ApiContext): Hono<Env> {
  const { people, fleet, templates, captures, images, swarm, hooks, checks, notices, schedules } = context;
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
  for (const [name, text] of Object.entries(SCRIPTS)) {
    app.get(`/${name}`, (c) => c.body(text, 200, { "content-type": "text/javascript; charset=utf-8" }));
  }
  app.get("/page.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));

  app.route("/", loginRoutes(context));
  app.route("/", signOnRoutes(context));
  app.route("/", deskRoutes(context));
  app.get("/classic", (c) => {
    const principal = principalOf(c, people);
    if (!principal) return c.redirect("/", 303);
    return c.html(html(
      <Page
        principal={principal}
        nodes={fleet.list()}
        machines={fleet.machines.list()}
        templates={templates.list()}
        captures={captures.list().slice(-RECENT_CAPTURES).reverse()}
        images={images.list()}
        hooks={hooks.list()}
        swarm={swarm.settings()}
        notices={notices.list()}
      />,
    ));
  });

  app.get("/schedules", (c) => {
    c.header("cache-control", "no-store");
    const principal = principalOf(c, people);
    if (!principal) return c.redirect("/", 303);
    const shown = schedules.list().map((schedule) => ({
      ...schedule,
      mayChange: mayChange(principal, { named: namedBy(schedule.nodes, fleet) }),
    }));
    return c.html(html(<SchedulePage principal={principal} schedules={shown} />));
  });

  app.get("/page/nodes/:node", (c) => {
    const principal = principalOf(c, people);
    if (!principal) return c.body(null, 401);
    const key = c.req.param("node");
    const node = fleet.get(key), log = fleet.log(key);
    const uses = mayAdminister(principal) ? fleet.recoveryKeyUses(key) : undefined;
    const check = node.check && checks.report(key);
    return c.html(`${<NodeDetails node={node} log={log} check={check} uses={uses} />}`);
  });

  app.post("/page/plans", async (c) => {
    refuseForeignOrigin(c);
    if (!principalOf(c, people)) return c.body(null, 401);
    const { nodes, ...query } = await jsonBody(c.req, PlansRequest), { image, unlock } = query;
    const planned = nodes.map((key) => ({ node: fleet.get(key), preview: fleet.plan(key, query) }));
    const isEncrypted = image !== undefined && (images.get(image).layout?.encrypted?.length ?? 0) > 0;
    return c.html(`${<Plans planned={planned} isEncrypted={isEncrypted} unlock={unlock} />}`);
  });

  const formatFor = rowFormats(context);
  app.get("/classic/events", (c) => {
    const principal = principalOf(c, people, { isUse: false });
    if (!principal) return c.body(null, 204);
    const isAllowed = () => principalOf(c, people, { isUse: false }) !== undefined;
    return watch(context, { format: formatFor(principal), isAllowed });
  });
  return app;
}

/** A request of the dialogs for deployments and restores: too many nodes for a query. */
const PlansRequest = PlanQuery.extend({ nodes: DeployRequest.shape.nodes });

/** Watchers who may do the same share a format, so that each row is rendered once for all of them. */
function rowFormats(context: ApiContext): (principal: Principal) => Format {
  const formats = new Map<string, Format>();
  return (principal) => {
    const key = JSON.stringify([principal.role, principal.groups]);
    const format = formats.get(key) ?? asRows(context, principal);
    formats.set(key, format);
    return format;
  };
}

function asRows({ images, hooks }: ApiContext, principal: Principal): Format {
  const canCapture = mayOperate(principal);
  return (event: ServerEvent) => {
    // shown as a machine
    if (event.type === "node" && event.node.isMachine) return undefined;
    // only the desk shows rehearsals
    if (event.type === "rehearsal") return undefined;
    return JSON.stringify(change(event));
  };

  function change(event: Exclude<ServerEvent, { type: "rehearsal" }>): Record<string, string> {
    switch (event.type) {
      case "machine":
        return {
          table: "machines",
          row: `${<MachineRow machine={event.machine} canAdopt={canCapture} />}`,
        };
      case "machine-removed":
        return { removedRow: `machine-${event.id}` };
      case "node":
        return {
          table: "nodes",
          row: `${<NodeRow node={event.node} canOrder={mayOrder(principal, event.node)} />}`,
        };
      case "node-removed":
        return { removed: event.name };
      case "template":
        return {
          table: "templates",
          row: `${<TemplateRow template={event.template} canCapture={canCapture} />}`,
        };
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
