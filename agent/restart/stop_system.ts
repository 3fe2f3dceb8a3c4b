/** Stops a running system in order, and then starts the kernel that is loaded. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";
import { rebootNow, syncAll } from "../sys/kernel.ts";
import { pauseFor } from "../sys/retry.ts";
import { exists, namesIn, textOf } from "../sys/small_file.ts";

/** systemd gives units 90 s each (DefaultTimeoutStopSec in systemd-system.conf(5)), and some are ordered. */
const STOP_MS = 10 * 60_000;
/** Without systemd, programs have this long to end. */
const END_MS = 20_000;
const POLL_MS = 200;
const REMOUNT_MS = 2000;
const TITLE = "cannot stop the system";

/** Returns only by throwing: RackseedError if it goes on, the signal's reason once this process is told to end. */
export async function stopSystem({ run, signal }: { run: Run; signal: AbortSignal }): Promise<never> {
  if (await exists("/run/systemd/system")) {
    // systemd starts the loaded kernel at the end, as systemctl(1) says of "kexec"
    await run(["systemctl", "kexec"], { title: TITLE, signal });
    await pauseFor(STOP_MS, signal);
    throw new RackseedError(TITLE, {
      reason: `it still runs ${STOP_MS / 60_000} min after \`systemctl kexec\`.`,
      remedy: "see `systemctl list-jobs` for what it waits for.",
    });
  }
  await endPrograms(signal);
  syncAll();
  // remounts everything read-only, and returns before that is done (sysrq.rst)
  await Deno.writeTextFile("/proc/sysrq-trigger", "u").catch(() => {});
  await pauseFor(REMOUNT_MS, signal);
  syncAll();
  try {
    rebootNow("kexec");
  } catch (error) {
    throw new RackseedError(TITLE, {
      reason: messageOf(error),
      remedy: "restart it by hand: its programs have been ended.",
      cause: error,
    });
  }
  throw new Error("the kernel did not start the other one");
}

/** SIGTERM for every program but this one, those that wait for it, and init, which would start a new agent. */
async function endPrograms(signal: AbortSignal): Promise<void> {
  const spared = await ancestors();
  const deadline = performance.now() + END_MS;
  for (const pid of await programs(spared)) kill(pid);
  while ((await programs(spared)).length > 0 && performance.now() < deadline) await pauseFor(POLL_MS, signal);
}

/** Process ids; threads of the kernel have no command line. */
async function programs(spared: ReadonlySet<number>): Promise<number[]> {
  const pids = (await namesIn("/proc")).flatMap((name) => /^\d+$/.test(name) ? [Number(name)] : []);
  const found = await Promise.all(pids.map(async (pid) => {
    const isProgram = !spared.has(pid) && await textOf(`/proc/${pid}/cmdline`);
    return isProgram ? [pid] : [];
  }));
  return found.flat();
}

/** This process and those above it, init included. */
async function ancestors(): Promise<ReadonlySet<number>> {
  const found = new Set([1]);
  for (let pid = Deno.pid; pid > 1 && !found.has(pid);) {
    found.add(pid);
    // proc_pid_stat(5): the name in parentheses may contain anything; the state and the parent follow it
    pid = Number(/\) \S (\d+) [^)]*$/.exec(await textOf(`/proc/${pid}/stat`) ?? "")?.[1] ?? 1);
  }
  return found;
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGTERM");
  } catch {
    // it has ended
  }
}
