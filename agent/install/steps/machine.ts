/** A machine in its initramfs with its order: what the steps of both chains work with. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { Enrolled } from "../../steps/enrol.ts";
import type { LogTail } from "../../steps/log_tail.ts";
import type { Reporter } from "../../steps/reporter.ts";
import type { StepRunner } from "../../steps/step_runner.ts";
import type { SwarmTerms } from "../../steps/swarm_terms.ts";
import type { Run } from "../../sys/command.ts";
import type { Console } from "../../sys/console.ts";
import type { TargetDisks } from "../disk/guard.ts";
import type { Plan } from "#plan/actions.ts";
import type { SecureStart } from "#plan/secure_boot_obstacle.ts";

export interface Machine {
  readonly steps: StepRunner;
  readonly enrolled: Enrolled;
  readonly terms: SwarmTerms;
  readonly firmware: "bios" | "uefi";
  readonly disks: readonly DiskFacts[];
  /** Undefined without UEFI. */
  readonly firmwareTrust?: Pick<SecureStart, "trust" | "forbidden"> | undefined;
  /** MAC of the NIC that it booted over. */
  readonly bootMac: string;
  /** It was started from its running system, not from the network. */
  readonly byKexec: boolean;
  /** Where the clone is mounted. */
  readonly clonePath: string;
  /** Closes what is still open at the end, even after a failure. */
  readonly stack: AsyncDisposableStack;
  readonly reporter: Reporter;
  readonly log: Pick<LogTail, "add">;
  readonly console: Console;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** How the machine gets into its own system: through its firmware, or by the kernel that is loaded. */
export type Ending = "firmware" | "kexec";

/** The disk that the guard has proven, and what is planned for it. */
export interface PlannedDisk {
  readonly plan: Plan;
  readonly target: TargetDisks;
}

/** A directory in memory for packs. They are kept there if they fit, else on the clone's disk. */
export const PACKS_IN_MEMORY = "/run/rackseed";
