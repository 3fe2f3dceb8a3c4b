/** What is different if the compared tree is that of a running system. */
import { codeOf } from "../../sys/errno.ts";

export interface LiveTree {
  /** Awaited between small pieces of work, so that the comparison takes no more of the machine than it may. */
  rest(): Promise<void>;
}

const VANISHED: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

/** Whether a call failed because its path is gone, or something else has taken its place. */
export function vanished(error: unknown): boolean {
  return VANISHED.has(codeOf(error) ?? "");
}
