/**
 * Rewrites mdadm.conf(5). Arrays keep their UUIDs and names on clones, so ARRAY lines stay valid; only the members that
 * DEVICE and devices= list are named by disk. Pure.
 */
import { isComment, replaceInLine, type Rewriting } from "./rewriting.ts";

export function rewriteArrays(text: string, rewriting: Rewriting): string {
  const effect = "mdadm does not find it; remove it, or write DEVICE partitions";
  return text.split("\n").map((content, line) => {
    if (isComment(content)) return content;
    const [array = ""] = /^\s*ARRAY\s+\S+/i.exec(content) ?? [];
    const rest = content.slice(array.length);
    return array + replaceInLine(rest, { rewriting, line, form: "path", effect });
  }).join("\n");
}
