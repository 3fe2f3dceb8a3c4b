/**
 * A site's own command, such as one for a switched power strip. It is a file in the folder `power-commands` of the
 * server's data directory: callers of the API choose among those, and cannot add another.
 *
 * The command gets one of these actions, and exits 0 when it is carried out:
 *
 *     status                   prints "on" or "off"
 *     on, off-hard, reset
 *     off                      asks the system to shut down
 *     boot-network, boot-disk  the next start, and only that, is from there
 *     boot-restore             ends that, if it still holds
 */
import type { PowerState } from "#contract/api/power.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootTarget, OffMode, PowerDriver } from "../power_driver.ts";
import { sentence } from "../power_error.ts";
import type { RunProgram } from "../run_program.ts";

interface SiteCommand {
  readonly run: RunProgram;
  /** The folder with the commands. */
  readonly folder: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly node: string;
  readonly mac: string | undefined;
  /** For messages. */
  readonly title: string;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 60_000;

export class CommandDriver implements PowerDriver {
  readonly #command: SiteCommand;

  constructor(command: SiteCommand) {
    this.#command = command;
  }

  async status(): Promise<PowerState> {
    const [word = ""] = (await this.#run("status")).trim().toLowerCase().split(/\s/);
    return word === "on" || word === "off" ? word : "unknown";
  }

  async on(): Promise<void> {
    await this.#run("on");
  }

  async off(how: OffMode): Promise<void> {
    await this.#run(how === "hard" ? "off-hard" : "off");
  }

  async reset(): Promise<void> {
    await this.#run("reset");
  }

  canCutPower(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async bootOnce(target: BootTarget): Promise<string | undefined> {
    await this.#run(`boot-${target}`);
    return undefined;
  }

  async restoreBoot(): Promise<void> {
    await this.#run("boot-restore");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #run(action: string): Promise<string> {
    const { run, folder, program, args, node, mac = "", title, signal } = this.#command;
    const values: Record<string, string> = { node, mac, action };
    const filled = args.map((arg) =>
      arg.replaceAll(/\{(node|mac|action)\}/g, (_, name) => values[name] ?? "")
    );
    const argv = args.some((arg) => arg.includes("{action}")) ? filled : [...filled, action];
    const { code, stdout, stderr } = await run([`${folder}/${program}`, ...argv], {
      title,
      signal,
      timeoutMs: TIMEOUT_MS,
      missing: `put the command there, and make it executable: ${folder}/${program}`,
    });
    if (code === 0) return stdout;
    throw new RackseedError(title, {
      reason: sentence(
        `${program} ${action} exited ${code}: ${stderr.trim() || stdout.trim() || "no output"}`,
      ),
      remedy: `run ${folder}/${program} by hand, as the server's user.`,
      status: 502,
    });
  }
}
