/** Steps "pre-install" and "post-install": the order's hooks, in the initramfs or in the clone's tree. */
import type { Order } from "#contract/api.ts";
import type { HookMoment } from "#contract/api/hooks.ts";
import type { Identity } from "#contract/identity.ts";
import { nodeEnvironment } from "../../hooks/environment.ts";
import { hooksAt } from "../../hooks/hooks_at.ts";
import { type HooksOutcome, runHooks } from "../../hooks/run_hooks.ts";
import { bindKernelTrees } from "../../sys/mount.ts";
import type { LogTail } from "../../steps/log_tail.ts";
import type { StepProgress } from "../../steps/step.ts";
import type { TargetDisks } from "../disk/guard.ts";
import type { Machine } from "./machine.ts";

/** Scripts are written here while they run; the clone's tree shows it under the same path. */
const SCRIPTS = "/run";

interface MachineHooksOptions {
  readonly order: Order;
  readonly identity: Identity;
  /** Devices of the disks, the layout's first one first. */
  readonly disks: readonly string[];
  /** The clone's tree; absent: they run in the initramfs. */
  readonly root?: string;
  readonly log: Pick<LogTail, "add">;
  readonly progress: StepProgress;
  readonly signal: AbortSignal;
}

/** The step "pre-install", if the order has hooks for it. */
export async function runPreInstallHooks(
  { steps, enrolled: { order }, log, signal }: Machine,
  { target, identity }: { target: TargetDisks; identity: Identity },
): Promise<void> {
  if (hooksAt("pre-install", order).length === 0) return;
  await steps.run(
    "pre-install",
    (progress) =>
      runMachineHooks("pre-install", { order, identity, disks: devicesOf(target), log, progress, signal }),
  );
}

/** Throws RackseedError if a required one fails. */
export async function runMachineHooks(
  when: HookMoment,
  { order, identity, disks, root, log, progress, signal }: MachineHooksOptions,
): Promise<HooksOutcome> {
  await using _trees = root === undefined ? undefined : await bindKernelTrees(root);
  const [first = ""] = disks;
  return await runHooks(hooksAt(when, order), {
    environment: {
      ...nodeEnvironment(when, { order, identity }),
      RACKSEED_DISK: first,
      RACKSEED_DISKS: disks.join(" "),
    },
    root,
    folder: SCRIPTS,
    signal,
    onLine: (line, hook) => {
      log.add(`${hook}: ${line}`);
      progress.update({ message: `${hook}: ${line}` });
    },
  });
}

export function devicesOf(target: TargetDisks): string[] {
  return target.numbers.map((number) => target.whole(number));
}
