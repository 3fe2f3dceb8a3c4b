/** What a machine in its initramfs does: it asks its server, and is then installed, or backed up. */
import { backUpMachine } from "../backup/backup_steps.ts";
import type { Run } from "../sys/command.ts";
import type { Console } from "../sys/console.ts";
import type { LogTail } from "../steps/log_tail.ts";
import { startMachine } from "./machine_start.ts";
import { installMachine } from "../install/steps/install_chain.ts";
import { restoreMachine } from "../install/steps/restore_chain.ts";
import type { Reporter } from "../steps/reporter.ts";
import { StepRunner } from "../steps/step_runner.ts";

/** Where the clone is mounted, or the system that is backed up. */
const MOUNTED = "/mnt";

/** What goes on, for the case that it fails. */
export interface Began {
  /** "The backup of this machine" */
  what: string;
}

export async function carryOutOrder(
  began: Began,
  options: {
    /** What must be closed at the end, however it ends. */
    readonly stack: AsyncDisposableStack;
    readonly reporter: Reporter;
    readonly log: LogTail;
    readonly console: Console;
    readonly run: Run;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const steps = new StepRunner(options);
  const { boot, job, firmware, disks } = await startMachine({ ...options, steps });
  if (job.kind === "backup") {
    began.what = "The backup of this machine";
    const signal = AbortSignal.any([options.signal, options.reporter.cancelled]);
    const { enrolled } = job;
    return await backUpMachine({ ...options, steps, signal, enrolled, firmware, disks, at: MOUNTED });
  }
  began.what = "The installation of this machine";
  const { enrolled, terms } = job, { restore } = enrolled.order;
  const bootMac = boot.mac ?? "";
  const machine = { ...options, steps, enrolled, terms, bootMac, firmware, disks, clonePath: MOUNTED };
  await (restore ? restoreMachine(machine, restore) : installMachine(machine));
}
