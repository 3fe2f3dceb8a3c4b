import { Hono } from "hono";
import type { ServerEvent } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { ApiContext, Env } from "../context.ts";
import { asJson, type Watching } from "../live.ts";

/** Captures that a watcher is told of at first, and that the page shows. */
export const RECENT_CAPTURES = 20;

export function eventRoutes(context: ApiContext): Hono<Env> {
  return new Hono<Env>().get("/events", () => watch(context, { format: asJson }));
}

/** The present state, then what changes. */
export function watch(
  { fleet, templates, captures, swarm, live }: ApiContext,
  watching: Watching,
): Response {
  const now: ServerEvent[] = [
    ...fleet.list().map((node) => ({ type: "node" as const, node })),
    ...templates.list().map((template) => ({ type: "template" as const, template })),
    ...captures.list().slice(-RECENT_CAPTURES).map((capture) => ({ type: "capture" as const, capture })),
    { type: "images" },
    { type: "hooks" },
    { type: "swarm", settings: swarm.settings() },
  ];
  const response = live.watch(now, watching);
  if (response) return response;
  throw new RackseedError("cannot watch the events", {
    reason: "too many watch already.",
    remedy: "close some of the pages.",
    status: 503,
  });
}
