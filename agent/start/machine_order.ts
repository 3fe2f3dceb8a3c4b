/**
 * Carries out a machine's order in the initramfs: install, restore, back up, or read its hardware. The modules for that
 * are loaded when the order is known: all of them would take as long to load as the rest of the agent.
 */
import { messageOf } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";
import type { Console } from "../sys/console.ts";
import type { LogTail } from "../steps/log_tail.ts";
import { discoverMachine } from "./discover_machine.ts";
import { startMachine } from "./machine_start.ts";
import { takeOut } from "./medium/take_out.ts";
import type { Ending } from "../install/steps/machine.ts";
import type { Reporter } from "../steps/reporter.ts";
import { StepRunner } from "../steps/step_runner.ts";

/** Mount point of the clone, or of the system to back up. */
const MOUNTED = "/mnt";

/** What the machine is doing, for the failure console. */
export interface CurrentTask {
  /** "The backup of this machine" */
  name: string;
}

/** Returns how the machine gets into its own system. */
export async function carryOutOrder(
  task: CurrentTask,
  options: {
    /** Closes what is still open at the end, even after a failure. */
    readonly stack: AsyncDisposableStack;
    readonly reporter: Reporter;
    readonly log: LogTail;
    readonly console: Console;
    readonly run: Run;
    readonly signal: AbortSignal;
  },
): Promise<Ending> {
  const steps = new StepRunner(options);
  const { boot, job, firmware, disks, inventory, firmwareTrust, medium } = await startMachine({
    ...options,
    steps,
  });
  if (job.kind === "discover") {
    task.name = "Reading this machine's hardware";
    const signal = AbortSignal.any([options.signal, options.reporter.cancelled]);
    await discoverMachine({ ...options, steps, signal, enrolled: job.enrolled, inventory, disks });
    return "firmware";
  }
  if (job.kind === "backup") {
    task.name = "The backup of this machine";
    const signal = AbortSignal.any([options.signal, options.reporter.cancelled]);
    const { enrolled } = job;
    const { backUpMachine } = await import("../backup/backup_steps.ts");
    await backUpMachine({ ...options, steps, signal, enrolled, firmware, disks, at: MOUNTED });
    return "firmware";
  }
  task.name = "The installation of this machine";
  const { enrolled, terms } = job, { restore } = enrolled.order;
  const { mac: bootMac = "", byKexec } = boot, clonePath = MOUNTED;
  const found = { firmware, disks, firmwareTrust };
  const machine = { ...options, steps, enrolled, terms, bootMac, byKexec, ...found, clonePath };
  const ending = restore
    ? await (await import("../install/steps/restore_chain.ts")).restoreMachine(machine, restore)
    : await (await import("../install/steps/install_chain.ts")).installMachine(machine);
  if (medium !== undefined) {
    // the clone is ready: what still holds the medium must not look like a failure
    try {
      await medium.mount[Symbol.asyncDispose]();
    } catch (error) {
      options.log.add(messageOf(error));
    }
    await takeOut(medium.device, options);
  }
  return ending;
}
