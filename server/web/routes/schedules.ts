import { Hono } from "hono";
import { ScheduleAdd } from "#contract/api/schedules.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, makerOf } from "../context.ts";

/** Orders at times, see #contract/api/schedules.ts. */
export function scheduleRoutes({ schedules }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/schedules", (c) => c.json(schedules.list()));
  app.get("/schedules/:schedule", (c) => c.json(schedules.get(c.req.param("schedule"))));
  app.post(
    "/schedules",
    async (c) => c.json(schedules.add(await jsonBody(c.req, ScheduleAdd), makerOf(c))),
  );
  app.post("/schedules/:schedule/pause", (c) => c.json(schedules.pause(c.req.param("schedule"))));
  app.post("/schedules/:schedule/resume", (c) => c.json(schedules.resume(c.req.param("schedule"))));
  app.post("/schedules/:schedule/run", (c) => c.json(schedules.run(c.req.param("schedule"))));
  app.delete("/schedules/:schedule", (c) => {
    schedules.remove(c.req.param("schedule"));
    return c.body(null, 204);
  });
  return app;
}
