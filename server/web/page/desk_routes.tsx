/** The desk: an empty document whose script draws every page of it, its files, and its live feed. */
import { type Context, Hono } from "hono";
import { DESK_PATHS, type DeskUser } from "#contract/desk.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Principal } from "../../access/principal.ts";
import { type ApiContext, type Env, principalOf } from "../context.ts";
import { DESK_FILES, type DeskFile, deskFile } from "../desk_files.ts";
import { html } from "./shell.tsx";

export function deskRoutes({ people, desk }: Pick<ApiContext, "people" | "desk">): Hono<Env> {
  const app = new Hono<Env>();
  for (const [name, type] of Object.entries(DESK_FILES)) {
    app.get(`/${name}`, (c) => {
      c.header("cache-control", "no-cache");
      return c.body(deskFile(name as DeskFile), 200, { "content-type": `${type}; charset=utf-8` });
    });
  }
  app.get("/page/events", (c) => {
    const principal = principalOf(c, people, { isUse: false });
    if (!principal) return c.body(null, 204);
    const isAllowed = () => principalOf(c, people, { isUse: false }) !== undefined;
    const stream = desk.watch(
      deskUser(principal, { signsOn: principal.user !== undefined && people.signsOn(principal.user) }),
      { isAllowed },
    );
    if (stream) return stream;
    throw new RackseedError("cannot watch the events", {
      reason: "there are too many watchers already.",
      remedy: "close some open pages.",
      status: 503,
    });
  });
  // no route: paths of the API that are none stay unknown
  app.use(async (c, next) =>
    ["GET", "HEAD"].includes(c.req.method) && DESK_PATHS.test(c.req.path) ? showDesk(c) : await next()
  );
  return app;

  function showDesk(c: Context<Env>): Response | Promise<Response> {
    c.header("cache-control", "no-store");
    return principalOf(c, people) ? c.html(html(<Desk />)) : c.redirect("/", 303);
  }
}

function deskUser({ name, role, groups, user }: Principal, { signsOn }: { signsOn: boolean }): DeskUser {
  return {
    name,
    role,
    ...groups && { groups },
    ...user === undefined && { isAdminToken: true as const },
    ...signsOn && { signsOn: true as const },
  };
}

function Desk() {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Rackseed</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/desk.css" />
        <script type="module" src="/desk.js"></script>
      </head>
      <body>
        <noscript>
          This page needs JavaScript. The command line does all that it does: rackseed --help
        </noscript>
      </body>
    </html>
  );
}
