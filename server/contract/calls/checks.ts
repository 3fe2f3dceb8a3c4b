/** Calls about checks: running nodes compared with their images by their own agents. */
import { ProblemSchema } from "../api/fields.ts";
import { CheckAnswer, CheckProgress, CheckReport, CheckRequest, CheckResult } from "../api/checks.ts";
import type { Calls } from "./call.ts";

export const checkCalls = {
  "POST /checks": {
    summary: "Order the comparison of running nodes with their images.",
    about: "Nothing is changed on the nodes.",
    isOrder: true,
    body: CheckRequest,
    answer: CheckAnswer,
    errors: [404, 409],
  },
  "GET /nodes/:node/check": {
    summary: "Show what differed on a node at its latest check.",
    answer: CheckReport,
  },
  "GET /checks/:id/manifest": {
    summary: "Fetch the manifest to compare with.",
    answer: { media: "application/zstd", about: "The manifest without the keys of its packs." },
    errors: [409],
  },
  "POST /checks/:id/progress": {
    summary: "Report how far a check is, at least every two minutes.",
    body: CheckProgress,
    errors: [409],
  },
  "PUT /checks/:id/result": {
    summary: "Report what a check found.",
    body: CheckResult,
    errors: [409],
  },
  "POST /checks/:id/failed": {
    summary: "Report that a check failed.",
    body: ProblemSchema,
    errors: [409],
  },
} as const satisfies Calls;
