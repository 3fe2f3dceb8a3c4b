/** Disk images as block devices on the host, and their partitions as mounts. */
import { run } from "./command.ts";

export const loopPrograms = ["losetup", "partx", "mount", "umount", "blkid"];

export class LoopDisk implements AsyncDisposable {
  readonly device: string;

  private constructor(device: string) {
    this.device = device;
  }

  static async attach(image: string, { readOnly = false } = {}): Promise<LoopDisk> {
    const disk = new LoopDisk(await attachLoop(image, { readOnly }));
    try {
      // partx itself reads the table, so that the host's kernel need not support GPT.
      await run(["partx", "--update", disk.device]);
      return disk;
    } catch (error) {
      await disk[Symbol.asyncDispose]();
      throw error;
    }
  }

  partition(number: number): string {
    return `${this.device}p${number}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(["partx", "--delete", this.device], { accept: [1] });
    await run(["losetup", "--detach", this.device]);
  }
}

/** A range of a file or device as a device. */
export class LoopRange implements AsyncDisposable {
  readonly device: string;

  private constructor(device: string) {
    this.device = device;
  }

  static async attach(
    source: string,
    { offset, bytes, readOnly }: {
      readonly offset: number;
      readonly bytes: number;
      readonly readOnly: boolean;
    },
  ): Promise<LoopRange> {
    const range = [`--offset=${offset}`, `--sizelimit=${bytes}`];
    return new LoopRange(await attachLoop(source, { readOnly, range }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(["losetup", "--detach", this.device]);
  }
}

export class Mount implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts `source` on the folder `path`, which it creates if necessary. */
  static async at(
    path: string,
    { source, options }: { readonly source: string; readonly options: readonly string[] },
  ) {
    await Deno.mkdir(path, { recursive: true });
    await run(["mount", ...options, source, path]);
    return new Mount(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(["umount", this.path]);
  }
}

/** A loop device that was once set read-only by blockdev(8) stays so, whatever is attached to it later. */
async function attachLoop(
  source: string,
  { readOnly, range = [] }: { readonly readOnly: boolean; readonly range?: readonly string[] },
): Promise<string> {
  const mode = readOnly ? ["--read-only"] : [];
  const { stdout } = await run(["losetup", "--find", "--show", ...mode, ...range, source]);
  const device = stdout.trim();
  if (!readOnly) await run(["blockdev", "--setrw", device]);
  return device;
}
