/** Calls about rehearsals: versions that are booted in a virtual machine at the server. */
import { z } from "zod";
import { RehearsalQuery, RehearsalRequest, RehearsalView } from "../api/rehearsals.ts";
import type { Calls } from "./call.ts";

export const rehearsalCalls = {
  "POST /images/:ref/rehearsals": {
    summary:
      "Install a version into a virtual machine at the server, boot it without a network, and probe it.",
    about: "One rehearsal runs at a time; the others wait. The verdict is kept with the version.",
    isOrder: true,
    body: RehearsalRequest,
    answer: RehearsalView,
    errors: [409],
  },
  "GET /images/:ref/rehearsals": {
    summary: "List the rehearsals of a version, the newest first.",
    answer: z.array(RehearsalView),
    errors: [409],
  },
  "GET /rehearsals": {
    summary: "List the rehearsals of all versions, the newest first.",
    query: RehearsalQuery,
    isPaged: true,
    answer: z.array(RehearsalView),
  },
  "GET /rehearsals/:id": {
    summary: "Show a rehearsal.",
    answer: RehearsalView,
  },
  "POST /rehearsals/:id/cancel": {
    summary: "Cancel a rehearsal.",
    answer: RehearsalView,
    errors: [409],
  },
  "GET /rehearsals/:id/console": {
    summary: "Read what the machine wrote to its serial console.",
    about: "First what the installer wrote, then what the installed machine wrote.",
    answer: { media: "text/plain", about: "The text so far." },
  },
  "GET /rehearsals/:id/screenshot": {
    summary: "Fetch the latest picture of the machine's screen.",
    answer: { media: "image/png", about: "The screen, taken every few seconds and at the end." },
  },
} as const satisfies Calls;
