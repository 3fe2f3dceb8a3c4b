/**
 * The pages over HTTPS: the login (login_routes.tsx), the desk (desk_routes.tsx), and the few pages that the server
 * draws itself.
 */
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { type ApiContext, type Env, principalOf } from "../context.ts";
import { namedBy } from "../subject.ts";
import { mayChange } from "./abilities.ts";
import { deskRoutes } from "./desk_routes.tsx";
import { loginRoutes } from "./login_routes.tsx";
import apiScript from "./api.js" with { type: "text" };
import script from "./page.js" with { type: "text" };
import style from "./page.css" with { type: "text" };
import { helpRoutes } from "../help/routes.tsx";
import { SchedulePage } from "./schedule_page.tsx";
import { html } from "./shell.tsx";
import { signOnRoutes } from "./sign_on_routes.tsx";

const SCRIPTS = { "api.js": apiScript, "page.js": script };

export function pageRoutes(context: ApiContext): Hono<Env> {
  const { people, fleet, schedules } = context;
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

  return app;
}
