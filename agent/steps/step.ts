/** What a step of an installation or a backup shows and reports, while it runs and when it is done. */
import type { StepReport } from "#contract/api.ts";
import type { InstallTimes } from "#contract/api/distribution.ts";

/** What a finished step reports. A step's result may hold more, for the steps after it. */
export interface StepOutcome {
  readonly message?: string | undefined;
  /** What will be done, one line each. */
  readonly planLines?: readonly string[] | undefined;
  /** The chosen disks, from the step that makes the plan. */
  readonly disks?: NonNullable<StepReport["disks"]>;
  /** The encrypted volumes exist, with the keys of the order. */
  readonly encrypted?: true | undefined;
  readonly times?: InstallTimes;
  /** Where everything came from, in the end. */
  readonly transfer?: NonNullable<StepReport["progress"]>;
  /** What hooks printed. */
  readonly log?: readonly string[];
  /** From the last step: the host name under which the clone will report its first boot. */
  readonly reportsAs?: string | undefined;
}

export interface StepState {
  readonly message?: string;
  readonly transfer?: NonNullable<StepReport["progress"]>;
  /** Reported, but not shown. */
  readonly times?: InstallTimes;
}

export interface StepProgress {
  /** Shows the state, and reports it as often as the server wants. What `state` leaves out stays as it was. */
  update(state: StepState): void;
}
