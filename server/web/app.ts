/** All routes served over HTTPS. */
import { Hono } from "hono";
import { createApi } from "./api.ts";
import type { ApiContext, Env } from "./context.ts";
import { healthRoutes } from "./health.ts";
import { limitLogins } from "./login_attempts.ts";
import { pageRoutes } from "./page/routes.tsx";
import { answerError, notFound } from "./problems.ts";
/**
 * Creates the handler of all HTTPS requests. `caPem`: the server's certificate authority, public.
 *
 * @example
 * ```ts
 * import type { ApiContext } from "./context.ts";
 *
 * function example(context: ApiContext, caPem: string) {
 *   const app = createApp(context, { caPem });
 *   return Deno.serve((request, info) => app.fetch(request, { info }));
 * }
 * ```
 */
export function createApp(context: ApiContext, { caPem }: { caPem: string }): Hono<Env> {
  const app = new Hono<Env>();
  app.onError(answerError);
  app.notFound(notFound);
  app.get("/ca.pem", (c) => c.body(caPem, 200, { "content-type": "application/x-pem-file" }));
  app.route("/", healthRoutes(context));
  app.route("/", createApi(context));
  app.use(limitLogins(context));
  app.route("/", pageRoutes(context));
  return app;
}
