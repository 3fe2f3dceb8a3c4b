import { Hono } from "hono";
import { HookContent, HookMoment, HookName, HookScope } from "#contract/api/hooks.ts";
import { z } from "zod";
import type { HookKey } from "../../store/hooks.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

const Key = z.object({ scope: HookScope, when: HookMoment, name: HookName });
const PATH = "/hooks/:scope/:when/:name";

/** Hooks: scripts that run at set moments of captures and installs, see #contract/api/hooks.ts. */
export function hookRoutes({ hooks, live }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  const keyOf = (params: Record<string, string>): HookKey => Key.parse(params);

  app.get("/hooks", (c) => c.json(hooks.list()));
  app.get(PATH, (c) => c.json(hooks.get(keyOf(c.req.param()))));
  app.put(PATH, async (c) => {
    const key = keyOf(c.req.param());
    const hook = hooks.put(key, await jsonBody(c.req, HookContent));
    live.publish({ type: "hooks" });
    return c.json(hook);
  });
  app.delete(PATH, (c) => {
    hooks.delete(keyOf(c.req.param()));
    live.publish({ type: "hooks" });
    return c.body(null, 204);
  });
  return app;
}
