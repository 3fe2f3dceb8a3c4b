/** Long lists in pages. The answer's `Link` header (RFC 8288, rel="next") leads to the next page, if there is one. */
import { z } from "zod";
import { text } from "./fields.ts";

/** A filter that is not known is refused: it would else show everything. */
export const PageQuery = z.strictObject({
  /** Most items of a page; absent: all. */
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  /** Where the page before ended. */
  cursor: text(400).optional(),
});
export type PageQuery = z.infer<typeof PageQuery>;
