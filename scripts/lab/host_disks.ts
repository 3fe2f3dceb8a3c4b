/**
 * File systems on partitions, linear volumes and mirrors, which the host mounts itself: its processor is fast. Of a mirror
 * it reads the half on the first disk.
 */
import { run } from "./command.ts";
import { type DiskTask, diskTasks } from "./disk_tasks.ts";
import type { LabLayout, TreeFileSystem } from "./layouts/layout.ts";
import { LinearVolume } from "./linear_volume.ts";
import { LoopDisk, Mount } from "./loop_disk.ts";
import { MirrorHalf } from "./mirror_half.ts";
import { rootPartition } from "./template_disk.ts";

type OnHost = Pick<TreeFileSystem, "at" | "type" | "subvolumes" | "device">;

const PARTITION = /^\/dev\/vd([b-z])(\d+)$/, VOLUME = /^\/dev\/(?!mapper\/|md\/)([\w.-]+\/[\w.-]+)$/;
const ARRAY = /^\/dev\/md\/([\w.-]+)$/;

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
  readonly #disks: readonly LoopDisk[];
  readonly #mirrors: ReadonlyMap<string, MirrorHalf>;
  readonly #stack: AsyncDisposableStack;
  readonly #readOnly: boolean;

  private constructor(
    { disks, mirrors }: {
      readonly disks: readonly LoopDisk[];
      readonly mirrors: ReadonlyMap<string, MirrorHalf>;
    },
    stack: AsyncDisposableStack,
    readOnly: boolean,
  ) {
    this.#disks = disks;
    this.#mirrors = mirrors;
    this.#stack = stack;
    this.#readOnly = readOnly;
  }

  static async attach(images: readonly string[], readOnly: boolean): Promise<HostDisks> {
    await using stack = new AsyncDisposableStack();
    const disks: LoopDisk[] = [];
    for (const image of images) disks.push(stack.use(await LoopDisk.attach(image, { readOnly })));
    const mirrors = new Map<string, MirrorHalf>();
    for (const partition of await disks[0]?.partitions() ?? []) {
      const half = await MirrorHalf.attach(partition, { readOnly });
      if (half) mirrors.set(half.name, stack.use(half));
    }
    return new HostDisks({ disks, mirrors }, stack.move(), readOnly);
  }

  async device(name: string): Promise<string> {
    const [, letter = "b", number] = PARTITION.exec(name) ?? [];
    if (number !== undefined) return this.#disks[letter.charCodeAt(0) - 98]?.partition(Number(number)) ?? "";
    const array = ARRAY.exec(name)?.[1];
    if (array !== undefined) return this.#mirrors.get(array)?.device ?? "";
    const volume = VOLUME.exec(name)?.[1] ?? "", readOnly = this.#readOnly;
    const on = [
      ...this.#disks.map(({ device }) => `${device}p`),
      ...[...this.#mirrors.values()].map(({ device }) => `${device}$`),
    ];
    return this.#stack.use(await LinearVolume.attach(volume, { on, readOnly })).device;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
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
