/** Calls about the power of nodes. */
import { z } from "zod";
import { NodeView } from "../api/nodes.ts";
import { PowerChanges, PowerRequest, PowerResult } from "../api/power.ts";
import { type Calls, lines } from "./call.ts";

export const powerCalls = {
  "PUT /power": {
    summary: "Set how nodes are switched, all or none.",
    about: "Null clears it. Passwords are sealed, and never shown again.",
    body: PowerChanges,
    answer: z.array(NodeView),
    errors: [404, 409],
  },
  "POST /power": {
    summary: "Switch nodes on or off, or ask for their power.",
    body: PowerRequest,
    answer: lines(PowerResult, "One result for each node, as it comes."),
    errors: [404, 409],
  },
} as const satisfies Calls;
