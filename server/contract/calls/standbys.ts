/** Calls about standbys, and those that a standby makes. */
import { z } from "zod";
import {
  ContentQuery,
  FollowReport,
  FollowRequest,
  StandbyAdd,
  StandbyEnrolled,
  StandbyOverview,
  StandbyToken,
  Standing,
  TakeOver,
} from "../api/standbys.ts";
import { bytes, type Calls } from "./call.ts";

export const standbyCalls = {
  "GET /standing": {
    summary: "Tell whether this server serves or follows another one, and in which epoch.",
    answer: Standing,
  },
  "GET /standbys": {
    summary: "List the standbys and how far each is, with the last take-over.",
    answer: StandbyOverview,
  },
  "POST /standbys": {
    summary: "Make a token by which one machine can follow this server, for an hour.",
    about: "A standby gets every secret of the site.",
    body: StandbyAdd,
    answer: StandbyToken,
    errors: [409],
  },
  "DELETE /standbys/:standby": {
    summary: "Remove a standby: it can no longer follow.",
    errors: [404],
  },
  "POST /take-over": {
    summary: "Take over from the server that this standby follows.",
    about: "A server that is no standby does nothing.",
    also: { 202: "The standby has begun to take over." },
    answer: z.object({ tookOver: TakeOver.optional() }),
    errors: [409],
  },
  "POST /standbys/enrol": {
    summary: "Exchange a standby's token for its secret.",
    answer: StandbyEnrolled,
  },
  "POST /standbys/follow": {
    summary: "Send everything that the standby lacks, then every change.",
    body: FollowRequest,
    answer: bytes("Records, see server/standby/records.ts."),
  },
  "POST /standbys/report": {
    summary: "Report how far the standby is.",
    body: FollowReport,
  },
  "GET /standbys/content": {
    summary: "Send a file of an image.",
    query: ContentQuery,
    answer: bytes("The file."),
    errors: [404],
  },
} as const satisfies Calls;
