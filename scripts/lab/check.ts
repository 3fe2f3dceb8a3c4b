/** One check of the lab, and what it saw. */
export interface Check {
  readonly what: string;
  readonly passed: boolean;
  /** If it failed, everything needed to see why. */
  readonly seen: string;
}
