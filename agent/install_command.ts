/**
 * `rackseed agent install`: into a directory if one is given (which needs no root and leaves the machine alone),
 * otherwise onto the machine's disk, which is allowed only in the initramfs.
 */
import { RackseedError } from "#contract/errors.ts";
import { isInitramfs } from "./start/initramfs.ts";
import { runAsPidOne } from "./start/pid_one.ts";
import { type Console, standardConsole } from "./sys/console.ts";

export interface InstallArguments {
  /** In the initramfs, both come from the kernel command line. */
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  /** An empty directory, or one with an interrupted install of the same version. */
  readonly target?: string | undefined;
  /** Allows a non-empty directory, and makes it match the image if a restore is ordered. */
  readonly restore?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly console?: Console | undefined;
}

/**
 * Resolves when a directory is installed. On a machine it ends by rebooting it, or stays at the failure. Throws
 * RackseedError.
 */
export async function runInstall(
  { server, token, target, restore = false, signal, console = standardConsole() }: InstallArguments,
): Promise<void> {
  if (target !== undefined) {
    if (server === undefined || token === undefined) {
      throw new RackseedError("cannot install into a directory", {
        reason: "no server or token is given.",
        remedy: "give --server URL and --token TOKEN; `rackseed node deploy` prints the token.",
        status: 400,
      });
    }
    const { installDirectory } = await import("./install/directory_install.ts");
    return await installDirectory({ server, token, target, restore, signal, console });
  }
  if (await isInitramfs()) return await runAsPidOne();
  throw new RackseedError("cannot install onto this machine's disk", {
    reason: "this is not the initramfs of a node, so the disk may be in use. Nothing was touched.",
    remedy: "boot the machine from the network, or give --target DIR to install into an empty directory.",
    status: 409,
  });
}
