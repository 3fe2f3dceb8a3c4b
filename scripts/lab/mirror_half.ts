/** One half of an MD RAID 1, found by its superblock: the host may lack MD. */
import { run } from "./command.ts";
import { LoopRange } from "./loop_disk.ts";

/** With the array's name, without its host. Undefined if the partition is none. */
export async function attachHalf(
  partition: string,
  { readOnly }: { readonly readOnly: boolean },
): Promise<{ readonly name: string; readonly half: LoopRange } | undefined> {
  const { code, stdout } = await run(["mdadm", "--examine", partition], { accept: [1] });
  const field = (name: string) => new RegExp(`^ *${name} : (\\S+)`, "m").exec(stdout)?.[1] ?? "";
  if (code !== 0 || field("Raid Level") !== "raid1") return undefined;
  // in sectors, and in KiB
  const offset = Number(field("Data Offset")) * 512, bytes = Number(field("Array Size")) * 1024;
  const half = await LoopRange.attach(partition, { offset, bytes, readOnly });
  return { name: field("Name").replace(/^.*:/, ""), half };
}
