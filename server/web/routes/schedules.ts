import { Hono } from "hono";
import type { Review } from "#contract/api/reviews.ts";
import { ScheduleAdd, type ScheduleDetails, ScheduleTerms } from "#contract/api/schedules.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, makerOf } from "../context.ts";
import { requireMatch, tag } from "../entity_tag.ts";

const PATH = "/schedules/:schedule";

/** Orders at times, see #contract/api/schedules.ts. */
export function scheduleRoutes({ schedules, fleet }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/schedules", (c) => c.json(schedules.list()));
  app.get(PATH, (c) => {
    const schedule = schedules.get(c.req.param("schedule"));
    tag(c, termsOf(schedule));
    return c.json(schedule);
  });
  app.post("/schedules/preview", async (c) => {
    const { orders, ...times } = schedules.preview(await jsonBody(c.req, ScheduleTerms));
    const reviews: Review[] = [];
    for (const order of orders) reviews.push(await fleet.reviews.make(order));
    return c.json({ ...times, reviews });
  });
  app.post(
    "/schedules",
    async (c) => c.json(schedules.add(await jsonBody(c.req, ScheduleAdd), makerOf(c))),
  );
  app.put(PATH, async (c) => {
    const name = c.req.param("schedule"), terms = await jsonBody(c.req, ScheduleTerms);
    requireMatch(c, () => schedules.nodesOf(name) && termsOf(schedules.get(name)));
    const schedule = schedules.change(name, terms, makerOf(c));
    tag(c, termsOf(schedule));
    return c.json(schedule);
  });
  app.post(`${PATH}/pause`, (c) => c.json(schedules.pause(c.req.param("schedule"))));
  app.post(`${PATH}/resume`, (c) => c.json(schedules.resume(c.req.param("schedule"))));
  app.post(`${PATH}/run`, (c) => c.json(schedules.run(c.req.param("schedule"))));
  app.delete(PATH, (c) => {
    schedules.remove(c.req.param("schedule"));
    return c.body(null, 204);
  });
  return app;
}

/** What a person set. */
function termsOf(
  { nodes, cron, zone, windows, batch, stopAfter, bootSeconds, catchUp, order }: ScheduleDetails,
): object {
  return { nodes, cron, zone, windows, batch, stopAfter, bootSeconds, catchUp, order };
}
