/** What an operator should know of the server itself, and can mend. */
import { z } from "zod";

export const Notice = z.object({
  /** What it is about: "web@1", "data directory". */
  subject: z.string(),
  problem: z.string(),
  remedy: z.string(),
});
export type Notice = z.infer<typeof Notice>;
