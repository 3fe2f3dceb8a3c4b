/** Disk images as block devices on the host, and their partitions as mounts. */
import { run } from "./command.ts";

export const loopPrograms = ["losetup", "partx", "mount", "umount", "blkid"];

export class LoopDisk implements AsyncDisposable {
  readonly device: string;

  private constructor(device: string) {
    this.device = device;
  }

  static async attach(image: string, { readOnly = false } = {}): Promise<LoopDisk> {
    const { stdout } = await run([
      "losetup",
      "--find",
      "--show",
      ...(readOnly ? ["--read-only"] : []),
      image,
    ]);
    const disk = new LoopDisk(stdout.trim());
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

  async partitions(): Promise<string[]> {
    const { stdout } = await run(["partx", "--show", "--noheadings", "--output", "NR", this.device]);
    return stdout.trim().split(/\s+/).filter(Boolean).map((number) => this.partition(Number(number)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(["partx", "--delete", this.device], { accept: [1] });
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
