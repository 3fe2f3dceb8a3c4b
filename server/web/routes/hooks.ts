import { Hono } from "hono";
import { HookContent, HookKey } from "#contract/api/hooks.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";
import { requireMatch, tag } from "../entity_tag.ts";

const PATH = "/hooks/:scope/:when/:name";

/** Hooks: scripts that run at set moments of captures and installs, see #contract/api/hooks.ts. */
export function hookRoutes({ hooks, live }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  const keyOf = (params: Record<string, string>) => HookKey.parse(params);

  app.get("/hooks", (c) => c.json(hooks.list()));
  app.get(PATH, (c) => {
    const hook = hooks.get(keyOf(c.req.param()));
    tag(c, hook);
    return c.json(hook);
  });
  app.put(PATH, async (c) => {
    const key = keyOf(c.req.param());
    const content = await jsonBody(c.req, HookContent);
    requireMatch(c, () => hooks.find(key));
    const hook = hooks.put(key, content);
    live.publish({ type: "hooks" });
    tag(c, hook);
    return c.json(hook);
  });
  app.delete(PATH, (c) => {
    const key = keyOf(c.req.param());
    requireMatch(c, () => hooks.find(key));
    hooks.delete(key);
    live.publish({ type: "hooks" });
    return c.body(null, 204);
  });
  return app;
}
