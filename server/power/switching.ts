/** Switches a machine, and believes that it happened only when the BMC says so: some accept an order and do nothing. */
import type { PowerState } from "#contract/api/power.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootTarget, OffMode, Pause, PowerDriver } from "./power_driver.ts";

interface SwitchContext {
  /** The action and its subject, for messages. */
  readonly title: string;
  readonly signal: AbortSignal;
  readonly pause: Pause;
}

const POLL_MS = 2000;
/** Some BMCs take half a minute to notice. */
const SWITCH_MS = 60_000;
/** A system with databases takes its time to shut down. */
const SHUTDOWN_MS = 180_000;
/** Between off and on: supplies that are switched faster may stay off. */
const REST_MS = 3000;

/** Returns a remark of the BMC, if any. Throws RackseedError. */
export async function switchOn(
  driver: PowerDriver,
  context: SwitchContext,
  { boot }: { boot?: BootTarget | undefined } = {},
): Promise<string | undefined> {
  const note = boot && await driver.bootOnce(boot);
  await driver.on();
  await reach("on", { driver, context, withinMs: SWITCH_MS });
  return note;
}

/** Throws RackseedError. */
export async function switchOff(driver: PowerDriver, context: SwitchContext, how: OffMode): Promise<void> {
  await driver.off(how);
  await reach("off", { driver, context, withinMs: how === "hard" ? SWITCH_MS : SHUTDOWN_MS, how });
}

/**
 * Restarts a machine, or starts it if it is off. Step by step if the BMC can cut the power, because then each step is
 * seen to happen; the boot override is set while the machine is off, so that no running system changes it.
 */
export async function cycle(
  driver: PowerDriver,
  context: SwitchContext,
  { boot }: { boot?: BootTarget | undefined } = {},
): Promise<string | undefined> {
  const state = await driver.status();
  const canCut = await driver.canCutPower();
  if (state === "off" || (state === "unknown" && !canCut)) return await switchOn(driver, context, { boot });
  if (canCut) {
    await switchOff(driver, context, "hard");
    await context.pause(REST_MS, context.signal);
    return await switchOn(driver, context, { boot });
  }
  const note = boot && await driver.bootOnce(boot);
  await driver.reset();
  await reach("on", { driver, context, withinMs: SWITCH_MS });
  return note;
}

interface Reach {
  readonly driver: PowerDriver;
  readonly context: SwitchContext;
  readonly withinMs: number;
  readonly how?: OffMode;
}

/** Where nothing knows the state, the order has to do. */
async function reach(
  wanted: Exclude<PowerState, "unknown">,
  { driver, context, withinMs, how }: Reach,
): Promise<void> {
  const { title, signal, pause } = context;
  for (let waitedMs = 0;; waitedMs += POLL_MS) {
    const state = await driver.status();
    if (state === wanted || state === "unknown") return;
    if (waitedMs >= withinMs) break;
    await pause(POLL_MS, signal);
  }
  const graceful = how === "graceful";
  throw new RackseedError(title, {
    reason: graceful
      ? `the system was asked to shut down, and is still on after ${withinMs / 1000} s.`
      : `the BMC accepted the order, but ${withinMs / 1000} s later the machine is still ${
        wanted === "on" ? "off" : "on"
      }.`,
    remedy: graceful
      ? "cut the power: --hard, or see its console."
      : "look at the machine and its power supply, and reset the BMC.",
    status: 504,
  });
}
