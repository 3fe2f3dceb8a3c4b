/**
 * `rackseed agent install`: into a directory if one is named (nothing of the machine is touched, no root
 * needed), otherwise onto the machine's disk, which only the initramfs may.
 */
import { RackseedError } from "#contract/errors.ts";
import { installDirectory } from "./install/directory_install.ts";
import { isInitramfs } from "./start/initramfs.ts";
import { runAsPidOne } from "./start/pid_one.ts";
import { type Console, standardConsole } from "./sys/console.ts";

export interface InstallArguments {
  /** Both from the kernel's command line in the initramfs. */
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  /** An empty directory, or one where an installation of the same version was broken off. */
  readonly target?: string | undefined;
  /** The directory may hold anything: it is made as the image has it, where the order says so. */
  readonly restore?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly console?: Console | undefined;
}

/**
 * Resolves when a directory is installed; on a machine it ends by restarting it, or stays at the failure for
 * ever. Throws RackseedError.
 */
export async function runInstall(
  { server, token, target, restore = false, signal, console = standardConsole() }: InstallArguments,
): Promise<void> {
  if (target !== undefined) {
    if (server === undefined || token === undefined) {
      throw new RackseedError("cannot install into a directory", {
        reason: "no server or no token is given.",
        remedy: "give --server URL and --token TOKEN; `rackseed node deploy` prints the token.",
        status: 400,
      });
    }
    return await installDirectory({ server, token, target, restore, signal, console });
  }
  if (await isInitramfs()) return await runAsPidOne();
  throw new RackseedError("cannot install onto this machine's disk", {
    reason:
      "this is not the initramfs that a node is started with, so the disk may be in use. Nothing was touched.",
    remedy: "start the machine from the network, or give --target DIR to install into an empty directory.",
    status: 409,
  });
}
