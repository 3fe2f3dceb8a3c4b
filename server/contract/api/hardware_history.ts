/** What a node's hardware was, newest first. */
import { z } from "zod";
import { text, time } from "./fields.ts";
import { Inventory } from "./node_agent.ts";

export const HardwareRecord = z.object({
  /** When the node reported it first. */
  at: time,
  /** What had changed, as text; empty for the first record. */
  changes: z.array(text(400)),
  inventory: Inventory,
});
export type HardwareRecord = z.infer<typeof HardwareRecord>;
