/** The messages between the agent and the thread that compares. */
import type { CheckOrder, CheckProgress, CheckResult } from "#contract/api/checks.ts";
import type { Problem } from "#contract/errors.ts";

export interface CheckSetup {
  readonly order: CheckOrder;
  /** Path of the system's root. */
  readonly root: string;
  /** The manifest's text, in zstd. */
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** When the check began, in milliseconds since 1970. */
  readonly beganMs: number;
  /** Of one processor; 1 also leaves the thread its priority. */
  readonly share: number;
}

export type CheckMessage =
  | { readonly type: "progress"; readonly progress: CheckProgress }
  | { readonly type: "result"; readonly result: CheckResult }
  | { readonly type: "failed"; readonly problem: Problem };
