import { type Context, Hono } from "hono";
import { TokenAdd, UserAdd, UserChange, type UserView, type WhoAmI } from "#contract/api/access.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Principal } from "../../access/principal.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, recheckWatchers } from "../context.ts";
import { requireMatch, tag } from "../entity_tag.ts";

/** Users and tokens. Answers hold secrets: no cache may keep them. */
export function peopleRoutes(context: ApiContext): Hono<Env> {
  const { people } = context;
  const app = new Hono<Env>();

  app.get("/me", (c) => {
    const { name, role, user, groups } = callerOf(c);
    return c.json(
      {
        name,
        role,
        ...(user !== undefined && { user }),
        ...(groups && { groups: [...groups] }),
      } satisfies WhoAmI,
    );
  });

  app.get("/users", (c) => c.json(people.users()));
  app.post("/users", async (c) => {
    const request = await jsonBody(c.req, UserAdd);
    c.header("cache-control", "no-store");
    return c.json(people.add(request));
  });
  const current = (name: string) => {
    const user = people.users().find((user) => user.name === name);
    return user && settingsOf(user);
  };
  app.get("/users/:user", (c) => {
    const user = people.user(c.req.param("user"));
    tag(c, settingsOf(user));
    return c.json(user);
  });
  app.put("/users/:user", async (c) => {
    const name = c.req.param("user"), change = await jsonBody(c.req, UserChange);
    requireMatch(c, () => current(name));
    const answer = people.change(name, change);
    recheckWatchers(context);
    c.header("cache-control", "no-store");
    tag(c, settingsOf(answer.user));
    return c.json(answer);
  });
  app.delete("/users/:user", (c) => {
    const name = c.req.param("user");
    requireMatch(c, () => current(name));
    people.remove(name);
    recheckWatchers(context);
    return c.body(null, 204);
  });

  app.get("/tokens", (c) => c.json(people.tokens(callerOf(c))));
  app.post("/tokens", async (c) => {
    const request = await jsonBody(c.req, TokenAdd);
    c.header("cache-control", "no-store");
    return c.json(people.addToken(callerOf(c), request));
  });
  app.post("/tokens/rotate-admin", (c) => {
    refuseToken(callerOf(c));
    const token = people.rotateAdminToken();
    recheckWatchers(context);
    c.header("cache-control", "no-store");
    return c.json({ token });
  });
  app.delete("/tokens/:id", (c) => {
    people.revokeToken(callerOf(c), c.req.param("id"));
    recheckWatchers(context);
    return c.body(null, 204);
  });
  return app;
}

/** What a change of the user sets. */
function settingsOf({ role, groups }: UserView): object {
  return { role, groups };
}

function callerOf(c: Context<Env>): Principal {
  const principal = c.get("principal");
  if (!principal) throw new Error("the guard has let a call pass without a principal");
  return principal;
}

/** A token that expires must not be exchanged for one that does not. */
function refuseToken({ name, expiresMs }: Principal): void {
  if (expiresMs === undefined) return;
  throw new RackseedError("cannot replace the admin token", {
    reason: `${name} expires, and the admin token does not.`,
    remedy: "use the admin token itself, on the server: it is in the file `token` of the data directory.",
    status: 403,
  });
}
