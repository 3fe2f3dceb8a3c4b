/** Mounts that end with their scope: `await using root = await Mount.at(…)`. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { EBUSY, mount, SystemCallError, unmount } from "./kernel.ts";

/** linux/mount.h */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  NOATIME: 1024,
  BIND: 4096,
  REC: 16384,
  PRIVATE: 1 << 18,
} as const;

/** For a file system that is only read: nothing on it is written or executed. */
export const INSPECTION_FLAGS = MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC;

interface MountOptions {
  /** A device, or the name of a pseudo file system. */
  readonly source: string;
  readonly type: string;
  /** Bits of `MS`. */
  readonly flags?: number;
  readonly data?: string;
}

export class Mount implements AsyncDisposable {
  readonly target: string;
  #mounted = true;

  private constructor(target: string) {
    this.target = target;
  }

  /** Makes the directory if it is missing. Throws RackseedError. */
  static async at(target: string, options: MountOptions): Promise<Mount> {
    try {
      await Deno.mkdir(target, { recursive: true });
      mount({ target, ...options });
    } catch (error) {
      throw new RackseedError(`cannot mount ${options.source} (${options.type}) on ${target}`, {
        reason: messageOf(error),
        remedy: error instanceof SystemCallError && error.errno === 1
          ? "run as root."
          : `see \`dmesg\` for the kernel's reason, and whether it supports ${options.type}.`,
        cause: error,
      });
    }
    return new Mount(target);
  }

  /**
   * A bind mount of a directory with everything mounted below it; private, so that unmounting the copy does not
   * unmount the original (mount_namespaces(7), "Shared subtrees").
   */
  static async bind(source: string, target: string): Promise<Mount> {
    const bound = await Mount.at(target, { source, type: "none", flags: MS.BIND | MS.REC });
    mount({ source: "none", target, type: "none", flags: MS.REC | MS.PRIVATE });
    return bound;
  }

  /**
   * Unmounts, and returns only when the file system is really gone. It waits for programs that use it for a moment;
   * one that uses it for 10 s is an error. `detach` unmounts lazily, for bind mounts and pseudo file systems.
   */
  async unmount({ detach = false }: { detach?: boolean } = {}): Promise<void> {
    if (!this.#mounted) return;
    const deadline = performance.now() + 10_000;
    for (;;) {
      try {
        unmount(this.target, detach ? 2 : 0);
        this.#mounted = false;
        return;
      } catch (error) {
        const busy = error instanceof SystemCallError && error.errno === EBUSY;
        if (!busy || performance.now() > deadline) {
          throw new RackseedError(`cannot unmount ${this.target}`, {
            reason: messageOf(error),
            remedy: "end the programs that use it (`fuser -vm`), then try again.",
            cause: error,
          });
        }
        // the kernel does not report when a mount stops being busy
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
  }
}

/** Bind mounts below `root` with which the system there can run its own programs; undone in reverse order. */
export async function bindKernelTrees(root: string): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  for (const tree of ["/dev", "/proc", "/sys", "/run"]) {
    const bound = await Mount.bind(tree, `${root}${tree}`);
    stack.defer(() => bound.unmount({ detach: true }));
  }
  return stack.move();
}
