/**
 * What other programs ask: whether the server lives (/healthz), whether it can serve (/readyz), and its figures
 * (/metrics). The first two need no credential, so they name parts and nothing else.
 */
import { Hono } from "hono";
import { type ApiContext, authenticate, bearerOf, type Env } from "./context.ts";

/** How long an answer about the parts is repeated: asking must not cost the server anything. */
const KEPT_MS = 1000;

export function healthRoutes(context: ApiContext): Hono<Env> {
  const { health, now } = context;
  const app = new Hono<Env>();
  let last: { readonly atMs: number; readonly missing: readonly string[] } | undefined;
  const missing = () => {
    if (last === undefined || Math.abs(now() - last.atMs) >= KEPT_MS) {
      const parts = Object.entries(health.parts).filter(([, isReady]) => !works(isReady));
      last = { atMs: now(), missing: parts.map(([name]) => name) };
    }
    return last.missing;
  };
  app.get("/healthz", () => plain("ok\n", 200));
  app.get("/readyz", () => {
    const parts = missing();
    return parts.length === 0
      ? plain("ready\n", 200)
      : plain(parts.map((p) => `not ready: ${p}\n`).join(""), 503);
  });
  app.get("/metrics", async (c) => {
    if (!health.mayScrape(bearerOf(c))) authenticate(c, context);
    const { contentType } = health.metrics;
    return new Response(await health.metrics.text(), {
      headers: { "content-type": contentType, "cache-control": "no-store" },
    });
  });
  return app;
}

function works(isReady: () => boolean): boolean {
  try {
    return isReady();
  } catch {
    return false;
  }
}

function plain(text: string, status: number): Response {
  return new Response(text, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}
