/** The pages over HTTPS: the login (login_routes.tsx), help, and the desk (desk_routes.tsx). */
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { ApiContext, Env } from "../context.ts";
import { deskRoutes } from "./desk_routes.tsx";
import { loginRoutes } from "./login_routes.tsx";
import style from "./page.css" with { type: "text" };
import { helpRoutes } from "../help/routes.tsx";
import { signOnRoutes } from "./sign_on_routes.tsx";

export function pageRoutes(context: ApiContext): Hono<Env> {
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
  app.get("/page.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));

  app.route("/", loginRoutes(context));
  app.route("/", signOnRoutes(context));
  app.route("/", deskRoutes(context));
  return app;
}
