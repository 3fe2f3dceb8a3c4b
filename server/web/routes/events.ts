import { Hono } from "hono";
import type { ServerEvent } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { type ApiContext, type Env, principalOf } from "../context.ts";

/** How many captures a new watcher gets. */
export const RECENT_CAPTURES = 20;

/** Streams the current state, then every change. */
export function eventRoutes(
  { people, fleet, templates, captures, swarm, live }: ApiContext,
): Hono<Env> {
  return new Hono<Env>().get("/events", (c) => {
    const isAllowed = () => principalOf(c, people, { isUse: false }) !== undefined;
    const now: ServerEvent[] = [
      ...fleet.listOrdered().map((node) => ({ type: "node" as const, node })),
      ...fleet.machines.list().map((machine) => ({ type: "machine" as const, machine })),
      ...templates.list().map((template) => ({ type: "template" as const, template })),
      ...captures.list().slice(-RECENT_CAPTURES).map((capture) => ({ type: "capture" as const, capture })),
      { type: "images" },
      { type: "hooks" },
      { type: "swarm", settings: swarm.settings() },
    ];
    const response = live.watch(now, { isAllowed });
    if (response) return response;
    throw new RackseedError("cannot watch the events", {
      reason: "there are too many watchers already.",
      remedy: "close some open pages.",
      status: 503,
    });
  });
}
