/** Problems of the server itself that an operator can fix. */
import { z } from "zod";

export const Notice = z.object({
  /** "web@1", "data directory". */
  subject: z.string(),
  problem: z.string(),
  remedy: z.string(),
});
export type Notice = z.infer<typeof Notice>;
