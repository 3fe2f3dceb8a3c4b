/** Calls about schedules: orders at set times. */
import { z } from "zod";
import {
  ScheduleAdd,
  ScheduleDetails,
  SchedulePreview,
  ScheduleTerms,
  ScheduleView,
} from "../api/schedules.ts";
import type { Calls } from "./call.ts";

export const scheduleCalls = {
  "GET /schedules": {
    summary: "List the schedules, by name.",
    answer: z.array(ScheduleView),
  },
  "GET /schedules/:schedule": {
    summary: "Show a schedule and its latest runs.",
    isTagged: true,
    answer: ScheduleDetails,
  },
  "POST /schedules": {
    summary: "Add a schedule.",
    body: ScheduleAdd,
    answer: ScheduleDetails,
    errors: [404, 409],
  },
  "POST /schedules/preview": {
    summary: "Show the next times of a schedule and what its runs would do, without adding it.",
    body: ScheduleTerms,
    answer: SchedulePreview,
    errors: [404, 409],
  },
  "PUT /schedules/:schedule": {
    summary: "Change a schedule; its runs have your rights from then on.",
    about: "The body has all of its terms. A run that is under way goes on with the order it began with.",
    body: ScheduleTerms,
    answer: ScheduleDetails,
    isTagged: true,
    errors: [409],
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
