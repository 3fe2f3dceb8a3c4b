import { Hono } from "hono";
import type { Env } from "../context.ts";
import { apiDocument } from "../openapi/document.ts";

/** The API's own description. It needs no login: it is the same for every site. */
export function documentRoutes(): Hono<Env> {
  const app = new Hono<Env>();
  // made once, so that requests without login cost next to nothing
  let text: string | undefined;
  app.get("/openapi.json", (c) => {
    text ??= JSON.stringify(apiDocument());
    return c.body(text, 200, { "content-type": "application/json" });
  });
  return app;
}
