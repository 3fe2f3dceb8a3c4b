/** The port that every way of switching a machine implements. All methods throw RackseedError, in bounded time. */
import type { PowerState } from "#contract/api/power.ts";

/** "graceful": asks the running system to shut down; "hard": cuts the power. */
export type OffMode = "graceful" | "hard";

export type BootTarget = "network" | "disk" | "medium";

export interface PowerDriver {
  /** What the machine's BMC says; "unknown" if there is none, or it does not know. */
  status(): Promise<PowerState>;
  /** Returns as soon as the order is accepted. */
  on(): Promise<void>;
  /** Returns as soon as the order is accepted. */
  off(how: OffMode): Promise<void>;
  /** Restarts the machine in one order, for a BMC that cannot cut the power for good. */
  reset(): Promise<void>;
  /** Whether `off("hard")` is possible: restarting is then done step by step, and each step is checked. */
  canCutPower(): Promise<boolean>;
  /** The next start, and only that, is from there. Returns a remark if the BMC leaves doubts. */
  bootOnce(target: BootTarget): Promise<string | undefined>;
  /** Puts back what `bootOnce` replaced, if the BMC kept it beyond one start. */
  restoreBoot(): Promise<void>;
  /** Puts the image at this URL into the machine's virtual CD drive, in place of another; absent: it has none. */
  insertMedium?(url: string): Promise<void>;
  ejectMedium?(): Promise<void>;
  /** Ends what the driver holds at the BMC, as its session. Never throws. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long to wait, and the clock that waits. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;
