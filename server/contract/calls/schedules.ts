/** Calls about schedules: orders at set times. */
import { z } from "zod";
import { ScheduleAdd, ScheduleDetails, ScheduleView } from "../api/schedules.ts";
import type { Calls } from "./call.ts";

export const scheduleCalls = {
  "GET /schedules": {
    summary: "List the schedules, by name.",
    answer: z.array(ScheduleView),
  },
  "GET /schedules/:schedule": {
    summary: "Show a schedule and its latest runs.",
    answer: ScheduleDetails,
  },
  "POST /schedules": {
    summary: "Add a schedule.",
    body: ScheduleAdd,
    answer: ScheduleDetails,
    errors: [404, 409],
  },
  "POST /schedules/:schedule/pause": {
    summary: "Pause a schedule; what runs goes on.",
    answer: ScheduleDetails,
    errors: [409],
  },
  "POST /schedules/:schedule/resume": {
    summary: "Resume a schedule.",
    answer: ScheduleDetails,
    errors: [409],
  },
  "POST /schedules/:schedule/run": {
    summary: "Run a schedule now.",
    answer: ScheduleDetails,
    errors: [409],
  },
  "DELETE /schedules/:schedule": {
    summary: "Remove a schedule; what it has begun is finished.",
  },
} as const satisfies Calls;
