/** A disk image as a loop device, for tests of disks. */
import { runCommand } from "../../agent/sys/command.ts";

export class LoopDisk implements AsyncDisposable {
  readonly device: string;
  readonly #image: string;

  private constructor(device: string, image: string) {
    this.device = device;
    this.#image = image;
  }

  static async make(
    { sizeBytes, sectorBytes = 512, readOnly = false }: {
      sizeBytes: number;
      sectorBytes?: number;
      readOnly?: boolean;
    },
  ): Promise<LoopDisk> {
    const image = await Deno.makeTempFile({ prefix: "rackseed-node-", suffix: ".img" });
    await Deno.truncate(image, sizeBytes);
    return await LoopDisk.#attach(image, { sectorBytes, readOnly });
  }

  static async #attach(
    image: string,
    { sectorBytes, readOnly }: { sectorBytes: number; readOnly: boolean },
  ): Promise<LoopDisk> {
    const options = [
      "--find",
      "--show",
      "--sector-size",
      String(sectorBytes),
      ...readOnly ? ["--read-only"] : [],
    ];
    const { stdout } = await runCommand(["losetup", ...options, image]);
    const disk = new LoopDisk(stdout.trim(), image);
    // The device's previous user may have left partitions behind.
    await runCommand(["partx", "--delete", disk.device], { accept: [0, 1] });
    return disk;
  }

  /** A copy of what is on the disk at this moment: what a power cut would leave. */
  async copy(): Promise<LoopDisk> {
    const image = await Deno.makeTempFile({ prefix: "rackseed-node-", suffix: ".img" });
    await runCommand(["cp", "--sparse=always", this.#image, image]);
    const disk = await LoopDisk.#attach(image, { sectorBytes: 512, readOnly: false });
    await runCommand(["partx", "--add", disk.device]);
    return disk;
  }

  /** The kernel's name: "loop3". */
  get name(): string {
    return this.device.slice("/dev/".length);
  }

  partition(number: number): string {
    return `${this.device}p${number}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runCommand(["partx", "--delete", this.device], { accept: [0, 1] });
    await runCommand(["losetup", "--detach", this.device]);
    await Deno.remove(this.#image);
  }
}

/** Why tests on real disks cannot run here; undefined if they can. */
export function missingForDisks(programs: readonly string[]): string | undefined {
  if (Deno.uid() !== 0) return "not root";
  for (const program of ["losetup", "partx", ...programs]) {
    const folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    const there = folders.some((folder) => {
      try {
        return Deno.statSync(`${folder}/${program}`).isFile;
      } catch {
        return false;
      }
    });
    if (!there) return `${program} is not there`;
  }
  return undefined;
}
