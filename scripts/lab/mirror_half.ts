/** One half of an MD RAID 1, found by its superblock: the host may lack MD. */
import { run } from "./command.ts";

export class MirrorHalf implements AsyncDisposable {
  /** The array's, without its host. */
  readonly name: string;
  readonly device: string;

  private constructor(name: string, device: string) {
    this.name = name;
    this.device = device;
  }

  /** Undefined if the partition is none. */
  static async attach(
    partition: string,
    { readOnly }: { readonly readOnly: boolean },
  ): Promise<MirrorHalf | undefined> {
    const { code, stdout } = await run(["mdadm", "--examine", partition], { accept: [1] });
    const field = (name: string) => new RegExp(`^ *${name} : (\\S+)`, "m").exec(stdout)?.[1] ?? "";
    if (code !== 0 || field("Raid Level") !== "raid1") return undefined;
    // in sectors, and in KiB
    const offset = Number(field("Data Offset")) * 512, bytes = Number(field("Array Size")) * 1024;
    const attached = await run([
      ...["losetup", "--find", "--show", ...readOnly ? ["--read-only"] : []],
      ...[`--offset=${offset}`, `--sizelimit=${bytes}`, partition],
    ]);
    return new MirrorHalf(field("Name").replace(/^.*:/, ""), attached.stdout.trim());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(["losetup", "--detach", this.device]);
  }
}
