/** One thing that the lab asserts, and what it saw. */
export interface Check {
  readonly what: string;
  readonly passed: boolean;
  /** Where it failed, all that a person needs to see why. */
  readonly seen: string;
}
