/** Hooks of a machine's installation: in the initramfs, or in the clone's tree. */
import type { Order } from "#contract/api.ts";
import type { Hook, HookMoment } from "#contract/hooks.ts";
import type { Identity } from "#contract/identity.ts";
import { nodeEnvironment } from "../hooks/environment.ts";
import { type HooksOutcome, runHooks } from "../hooks/run_hooks.ts";
import { bindKernelTrees } from "../sys/mount.ts";
import type { LogTail } from "../steps/log_tail.ts";
import type { StepProgress } from "../steps/run_steps.ts";

/** Where scripts lie while they run: the clone's tree shows it under the same path. */
const SCRIPTS = "/run";

interface MachineHooksOptions {
  readonly order: Order;
  readonly identity: Identity;
  /** The disk's device. */
  readonly disk: string;
  /** The clone's tree; absent: they run in the initramfs. */
  readonly root?: string;
  readonly log: Pick<LogTail, "add">;
  readonly progress: StepProgress;
  readonly signal: AbortSignal;
}

export function hooksAt(when: HookMoment, { hooks = [] }: Pick<Order, "hooks">): Hook[] {
  return hooks.filter((hook) => hook.when === when);
}

/** Throws RackseedError where a required one fails. */
export async function runMachineHooks(
  when: HookMoment,
  { order, identity, disk, root, log, progress, signal }: MachineHooksOptions,
): Promise<HooksOutcome> {
  await using _trees = root === undefined ? undefined : await bindKernelTrees(root);
  return await runHooks(hooksAt(when, order), {
    environment: { ...nodeEnvironment(when, { order, identity }), RACKSEED_DISK: disk },
    root,
    folder: SCRIPTS,
    signal,
    onLine: (line, hook) => {
      log.add(`${hook}: ${line}`);
      progress.update({ message: `${hook}: ${line}` });
    },
  });
}
