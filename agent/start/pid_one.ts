/**
 * A node in its initramfs, as PID 1. It ends either by restarting into its own system or at the failure console.
 * Nothing is retried on its own, and nothing restarts after a failure.
 */
import { messageOf, type Problem, RackseedError } from "#contract/errors.ts";
import { runCommand } from "../sys/command.ts";
import { type Console, kernelTerminals, standardConsole } from "../sys/console.ts";
import { restart, startLoaded } from "../sys/power.ts";
import { textOf } from "../sys/small_file.ts";
import type { Ending } from "../install/steps/machine.ts";
import { NodeConsole } from "./screen/node_console.ts";
import { screenSize } from "./screen/screen_size.ts";
import { mountKernelFileSystems } from "./initramfs.ts";
import { LogTail } from "../steps/log_tail.ts";
import { carryOutOrder, type CurrentTask } from "./machine_order.ts";
import { Reporter } from "../steps/reporter.ts";
import { endProofs } from "../tpm/prove.ts";

export async function runAsPidOne(): Promise<never> {
  // the kernel panics if PID 1 exits; this also keeps the runtime alive at the failure console
  setInterval(() => {}, 1 << 30);
  const stop = new AbortController();
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    stop.abort(event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    stop.abort(event.error);
  });
  const log = new LogTail();
  // until it is known what the terminals are, lines are enough
  let console: Console = standardConsole();
  const task: CurrentTask = { name: "The task of this machine" };
  try {
    await mountKernelFileSystems();
    const terminals = kernelTerminals(await textOf("/sys/class/tty/console/active") ?? "console");
    if (terminals.length > 0) console = new NodeConsole(terminals, { size: await screenSize() });
    console.line("Rackseed: asking the server what this machine should do");
    const reporter = new Reporter();
    const stack = new AsyncDisposableStack();
    let ending: Ending = "firmware";
    try {
      const run = log.recording(runCommand);
      const { signal } = stop;
      ending = await carryOutOrder(task, { stack, reporter, console, log, run, signal });
    } finally {
      // after a failure something may still be in use; that must not hide the failure itself
      await stack.disposeAsync().catch((error) => log.add(messageOf(error)));
    }
    console.show?.({ isDone: true });
    if (ending === "kexec") {
      console.line("Rackseed: done, starting the machine's own system without its firmware");
      await startLoaded().catch((error) => console.line(`Rackseed: that failed: ${messageOf(error)}`));
    }
    console.line("Rackseed: done, restarting into the machine's own system");
    restart();
    throw new Error("the kernel did not restart the machine");
  } catch (error) {
    await endProofs().catch((failed) => log.add(messageOf(failed)));
    return await stayAtFailure(console, { error, log, task: task.name });
  }
}

/** Never returns: a person reads, looks around in a shell, and restarts the machine when that makes sense. */
async function stayAtFailure(
  console: Console,
  { error, log, task }: { error: unknown; log: LogTail; task: string },
): Promise<never> {
  for (let isTold = false;;) {
    console.line("");
    console.line(`${task} FAILED.`);
    if (error instanceof RackseedError) {
      console.line(`  What:   ${error.title}`);
      console.line(`  Cause:  ${error.reason}`);
      console.line(`  Remedy: ${error.remedy}`);
    } else console.line(`  ${messageOf(error)}`);
    console.line("The machine stays as it is. Press Enter for a shell.");
    // the reasons of this very failure, with what the machine did last
    for (const line of isTold ? [] : log.lines().slice(-20)) console.line(`  | ${line}`);
    isTold = true;
    console.show?.({ problem: problemOf(error), isShellReady: true });
    const { path } = await console.enter();
    for (const line of log.lines().slice(-20)) console.line(`  | ${line}`);
    try {
      await new Deno.Command("/bin/sh", {
        // on the terminal where Enter was pressed, which may not be this process's own
        args: ["-c", 'exec sh -i <"$0" >"$0" 2>&1', path],
        clearEnv: true,
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", TERM: "linux", PS1: "(rackseed) # " },
        stdin: "null",
        stdout: "inherit",
        stderr: "inherit",
      }).spawn().status;
    } catch (missing) {
      console.line(`no shell: ${messageOf(missing)}`);
    }
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof RackseedError) return error.toProblem();
  return {
    title: "the machine's agent failed",
    detail: messageOf(error),
    remedy: "see the lines below; order it again, and report it if it stays.",
    status: 500,
  };
}
