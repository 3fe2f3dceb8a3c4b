/** File systems on plain partitions, which the host mounts itself: its processor is fast. */
import { run } from "./command.ts";
import { type DiskTask, diskTasks } from "./disk_tasks.ts";
import type { LabLayout, TreeFileSystem } from "./layouts/layout.ts";
import { LoopDisk, Mount } from "./loop_disk.ts";
import { rootPartition } from "./template_disk.ts";

interface OnPartition extends Pick<TreeFileSystem, "at" | "type" | "subvolumes"> {
  /** The number of the disk, from 0. */
  readonly disk: number;
  readonly partition: number;
}

/** All file systems that are compared; undefined if one lies on a volume that the host may be unable to assemble. */
export function onPartitions(
  layout: LabLayout | undefined,
  compared: readonly TreeFileSystem[],
): readonly OnPartition[] | undefined {
  if (!layout) return [{ at: "/", type: "ext4", disk: 0, partition: rootPartition }];
  const found = compared.map(({ device, ...fileSystem }) => {
    const [, letter = "", number] = /^\/dev\/vd([b-z])(\d+)$/.exec(device) ?? [];
    return { ...fileSystem, disk: letter.charCodeAt(0) - 98, partition: Number(number) };
  });
  return found.every(({ partition }) => partition > 0) ? found : undefined;
}

/** Runs `task` on them. `options`: of mount(8), by type; a disk is attached read-only if there are some. */
export async function onHost(
  task: DiskTask,
  { fileSystems, images, folder, options, places, alike }: {
    readonly fileSystems: readonly OnPartition[];
    /** Paths of the disks' images. */
    readonly images: readonly string[];
    /** Where the root is mounted. */
    readonly folder: string;
    readonly options: Partial<Record<TreeFileSystem["type"], string>>;
    readonly places: readonly string[];
    readonly alike?: string | undefined;
  },
): Promise<unknown> {
  await using stack = new AsyncDisposableStack();
  const readOnly = Object.keys(options).length > 0;
  const disks = new Map<number, LoopDisk>();
  for (const { at, type, subvolumes = [{ name: "", at }], disk, partition } of fileSystems) {
    const attached = disks.get(disk) ?? stack.use(await LoopDisk.attach(images[disk] ?? "", { readOnly }));
    disks.set(disk, attached);
    // the template and its clones have one UUID
    if (type === "btrfs") await run(["btrfs", "device", "scan", "--forget"]);
    for (const { name, at } of subvolumes) {
      const chosen = [
        options[type] ?? "rw",
        ...type === "btrfs" ? [`subvol=${name}`, "compress=zstd:1"] : [],
      ];
      const source = attached.partition(partition);
      stack.use(await Mount.at(`${folder}${at}`, { source, options: ["-o", chosen.join()] }));
    }
  }
  return await diskTasks[task](folder, places, alike);
}

/** `checkers`: the program for each type; the device is appended. */
export async function checkOnHost(
  fileSystems: readonly OnPartition[],
  { images, checkers, signal }: {
    readonly images: readonly string[];
    readonly checkers: Readonly<Record<TreeFileSystem["type"], readonly string[]>>;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly code: number; readonly output: string }> {
  let failed = 0;
  const outputs: string[] = [];
  for (const { type, disk, partition } of fileSystems) {
    await using attached = await LoopDisk.attach(images[disk] ?? "", { readOnly: true });
    const argv = [...checkers[type], attached.partition(partition)];
    const { code, stdout, stderr } = await run(argv, { accept: [1, 2, 4, 8, 12], signal });
    failed ||= code;
    outputs.push(stdout, stderr);
  }
  return { code: failed, output: outputs.join("\n") };
}
