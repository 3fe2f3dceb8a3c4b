/** Calls about templates and captures. The agent of a template makes those that carry content. */
import { z } from "zod";
import {
  CaptureOrder,
  CaptureProgress,
  CaptureQuery,
  CaptureRequest,
  CaptureView,
  EntriesPart,
  TemplateAnnouncement,
  TemplateId,
  TemplateView,
} from "../api/captures.ts";
import { CheckOrder, OrderQuery } from "../api/checks.ts";
import { ProblemSchema } from "../api/fields.ts";
import { RestartOrder, RestartReport } from "../api/restarts.ts";
import { bytes, type Calls } from "./call.ts";

export const captureCalls = {
  "GET /templates": {
    summary: "List the templates: machines whose agent waits for a capture.",
    answer: z.array(TemplateView),
  },
  "POST /templates": {
    summary: "Announce a machine as a template.",
    about: "Its agent repeats this as a sign of life.",
    body: TemplateAnnouncement,
    answer: TemplateId,
    errors: [409],
  },
  "GET /templates/:id/orders": {
    summary: "Wait up to 30 s for an order: to capture a template, or to check or restart a node.",
    query: OrderQuery,
    answer: z.union([CheckOrder, CaptureOrder, RestartOrder]),
    also: { 204: "There is no order: ask again." },
  },
  "GET /templates/:id/boot/:file{vmlinuz|initramfs}": {
    summary: "Fetch a boot file for the restart that the machine is ordered.",
    answer: bytes("The file."),
    errors: [409],
  },
  "POST /templates/:id/restart": {
    summary: "Report how an ordered restart goes.",
    body: RestartReport,
    errors: [409],
  },
  "GET /captures": {
    summary: "List the captures, oldest first.",
    query: CaptureQuery,
    isPaged: true,
    answer: z.array(CaptureView),
  },
  "POST /captures": {
    summary: "Order the capture of a template; without a template, begin an import.",
    isOrder: true,
    body: CaptureRequest,
    answer: CaptureView,
    errors: [404, 409],
  },
  "GET /captures/:id": {
    summary: "Show a capture and its progress.",
    answer: CaptureView,
  },
  "DELETE /captures/:id": {
    summary: "Cancel a capture.",
    errors: [409],
  },
  "POST /captures/:id/known": {
    summary: "Ask which extents the server already has.",
    body: bytes("SHA-256 hashes of 32 bytes each, at most 65 536."),
    answer: bytes("One byte for each hash: 1 if the server has that extent, else 0."),
    errors: [409],
  },
  "POST /captures/:id/frames": {
    summary: "Send a frame of extents.",
    body: bytes("As in contract/format/frame_upload.ts; it has its own compression."),
    errors: [409],
  },
  "POST /captures/:id/progress": {
    summary: "Report how far a capture is.",
    body: CaptureProgress,
    errors: [409],
  },
  "POST /captures/:id/entries/:part": {
    summary: "Send a part of the list of entries; part 0 starts over.",
    params: EntriesPart,
    body: bytes("zstd of the lines of contract/format/entry_changes.ts."),
    errors: [409],
  },
  "PUT /captures/:id/entries": {
    summary: "End a capture: everything was sent, and the version can be published.",
    body: bytes("zstd of a CaptureHeader."),
    errors: [409],
  },
  "POST /captures/:id/failed": {
    summary: "Report that a capture failed.",
    body: ProblemSchema,
    errors: [409],
  },
} as const satisfies Calls;
