/** Calls about hooks: scripts that run at set moments of captures and installations. */
import { z } from "zod";
import { HookContent, HookKey, HookSummary, HookView } from "../api/hooks.ts";
import type { Calls } from "./call.ts";

export const hookCalls = {
  "GET /hooks": {
    summary: "List all hooks, without their scripts.",
    answer: z.array(HookSummary),
  },
  "GET /hooks/:scope/:when/:name": {
    summary: "Show a hook with its script.",
    isTagged: true,
    params: HookKey,
    answer: HookView,
  },
  "PUT /hooks/:scope/:when/:name": {
    summary: "Create or replace a hook.",
    isTagged: true,
    params: HookKey,
    body: HookContent,
    answer: HookView,
    errors: [409],
  },
  "DELETE /hooks/:scope/:when/:name": {
    summary: "Delete a hook.",
    isTagged: true,
    params: HookKey,
  },
} as const satisfies Calls;
