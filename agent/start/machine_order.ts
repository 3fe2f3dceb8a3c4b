/** What a machine in its initramfs does: it asks its server, and is then installed, or backed up. */
import { backupSteps } from "../backup/backup_steps.ts";
import type { Run } from "../sys/command.ts";
import type { Console } from "../sys/console.ts";
import { isBackup } from "../steps/enrol.ts";
import type { LogTail } from "../steps/log_tail.ts";
import { type Started, startSteps } from "./machine_start.ts";
import { machineSteps } from "../install/machine_steps.ts";
import type { Reporter } from "../steps/reporter.ts";
import { runSteps } from "../steps/run_steps.ts";

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
  const known: Partial<Started> = {};
  await runSteps(startSteps(known, options), options);
  const { boot, enrolled, terms, firmware, disks } = known;
  if (!boot || !enrolled || !firmware || !disks) throw new RangeError("the first steps found out too little");
  const { reporter: { cancelled } } = options;
  if (isBackup(enrolled)) {
    began.what = "The backup of this machine";
    const signal = AbortSignal.any([options.signal, cancelled]);
    const steps = backupSteps({ ...options, signal, enrolled, firmware, disks, at: MOUNTED });
    return await runSteps(steps, options);
  }
  began.what = "The installation of this machine";
  if (terms === undefined) throw new RangeError("an installation without a swarm");
  const started = { boot, enrolled, terms, firmware, disks };
  await runSteps(machineSteps({ ...options, started, clonePath: MOUNTED }), options);
}
