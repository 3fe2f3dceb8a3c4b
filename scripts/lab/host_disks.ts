/**
 * File systems on partitions, linear volumes and mirrors, which the host mounts itself: its processor is fast. Of a mirror
 * it reads the half that it finds first.
 */
import { z } from "zod";
import { run } from "./command.ts";
import { type DiskTask, diskTasks } from "./disk_tasks.ts";
import type { LabLayout, TreeFileSystem } from "./layouts/layout.ts";
import { attachVolume } from "./linear_volume.ts";
import { LoopRange, Mount } from "./loop_disk.ts";
import { attachHalf } from "./mirror_half.ts";
import { rootPartition } from "./template_disk.ts";

type OnHost = Pick<TreeFileSystem, "at" | "type" | "subvolumes" | "device">;

const PARTITION = /^\/dev\/vd([b-z])(\d+)$/, VOLUME = /^\/dev\/(?!mapper\/|md\/)([\w.-]+\/[\w.-]+)$/;
const ARRAY = /^\/dev\/md\/[\w.-]+$/;

/** The file systems of a disk without a layout. */
export const plain: readonly OnHost[] = [{ at: "/", type: "ext4", device: `/dev/vdb${rootPartition}` }];

/** Whether the host can use them all. Writing to one half of a mirror would make it differ from the other. */
export function areOnHost(
  fileSystems: readonly OnHost[],
  { layout, writes = false }: { readonly layout: LabLayout; readonly writes?: boolean },
): boolean {
  return !(layout.isMirrored && writes) &&
    fileSystems.every(({ device }) => [PARTITION, VOLUME, ARRAY].some((form) => form.test(device)));
}

/** The devices of file systems while it is used. */
class HostDisks implements AsyncDisposable {
  /** By the name of the partition or array, as a layout has it. */
  readonly #devices: ReadonlyMap<string, string>;
  readonly #stack: AsyncDisposableStack;
  readonly #readOnly: boolean;

  private constructor(
    devices: ReadonlyMap<string, string>,
    { stack, readOnly }: { stack: AsyncDisposableStack; readOnly: boolean },
  ) {
    this.#devices = devices;
    this.#stack = stack;
    this.#readOnly = readOnly;
  }

  /** Each partition by itself: nodes of a loop device's partitions may vanish if other labs use loop devices, too. */
  static async attach(images: readonly string[], readOnly: boolean): Promise<HostDisks> {
    await using stack = new AsyncDisposableStack();
    const found = new Map<string, string>();
    for (const [i, image] of images.entries()) {
      const partitions = await partitionsOf(image);
      for (const [number, offset, bytes] of partitions) {
        const loop = stack.use(await LoopRange.attach(image, { offset, bytes, readOnly }));
        found.set(`/dev/vd${String.fromCharCode(98 + i)}${number}`, loop.device);
        const { name = "", half } = await attachHalf(loop.device, { readOnly }) ?? {};
        if (half === undefined) continue;
        stack.use(half);
        if (!found.has(`/dev/md/${name}`)) found.set(`/dev/md/${name}`, half.device);
      }
    }
    return new HostDisks(found, { stack: stack.move(), readOnly });
  }

  async device(name: string): Promise<string> {
    const volume = VOLUME.exec(name)?.[1];
    if (volume === undefined || PARTITION.test(name)) return this.#devices.get(name) ?? "";
    const devices = [...this.#devices.values()];
    return this.#stack.use(await attachVolume(volume, { devices, readOnly: this.#readOnly })).device;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

const Table = z.object({
  partitiontable: z.object({
    sectorsize: z.number().default(512),
    partitions: z.array(z.object({ node: z.string(), start: z.number(), size: z.number() })).default([]),
  }),
});

/** Number, offset and size in bytes of each; none of a disk without a table. */
async function partitionsOf(image: string): Promise<(readonly [number, number, number])[]> {
  const { code, stdout } = await run(["sfdisk", "--json", image], { accept: [1] });
  if (code !== 0) return [];
  const { sectorsize, partitions } = Table.parse(JSON.parse(stdout)).partitiontable;
  return partitions.map(({ node, start, size }) =>
    [Number(/\d+$/.exec(node)?.[0]), start * sectorsize, size * sectorsize] as const
  );
}

/** Runs `task` on them. `options`: of mount(8), by type; the disks are attached read-only if there are some. */
export async function onHost(
  task: DiskTask,
  { fileSystems, images, folder, options, places, alike }: {
    /** Parents first. */
    readonly fileSystems: readonly OnHost[];
    /** Paths of the disks' images. */
    readonly images: readonly string[];
    /** Where the root is mounted. */
    readonly folder: string;
    readonly options: Partial<Record<TreeFileSystem["type"], string>>;
    readonly places: readonly string[];
    readonly alike?: string | undefined;
  },
): Promise<unknown> {
  await using disks = await HostDisks.attach(images, Object.keys(options).length > 0);
  await using mounts = new AsyncDisposableStack();
  for (const { at, type, subvolumes = [{ name: "", at }], device } of fileSystems) {
    const source = await disks.device(device);
    // the template and its clones have one UUID
    if (type === "btrfs") await run(["btrfs", "device", "scan", "--forget"]);
    for (const { name, at } of subvolumes) {
      const chosen = [
        options[type] ?? "rw",
        ...type === "btrfs" ? [`subvol=${name}`, "compress=zstd:1"] : [],
      ];
      mounts.use(await Mount.at(`${folder}${at}`, { source, options: ["-o", chosen.join()] }));
    }
  }
  return await diskTasks[task](folder, places, alike);
}

/** `checkers`: the program for each type; the device is appended. */
export async function checkOnHost(
  fileSystems: readonly OnHost[],
  { images, checkers, signal }: {
    readonly images: readonly string[];
    readonly checkers: Readonly<Record<TreeFileSystem["type"], readonly string[]>>;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly code: number; readonly output: string }> {
  await using disks = await HostDisks.attach(images, true);
  let failed = 0;
  const outputs: string[] = [];
  for (const { type, device } of fileSystems) {
    const argv = [...checkers[type], await disks.device(device)];
    const { code, stdout, stderr } = await run(argv, { accept: [1, 2, 4, 8, 12], signal });
    failed ||= code;
    outputs.push(stdout, stderr);
  }
  return { code: failed, output: outputs.join("\n") };
}
