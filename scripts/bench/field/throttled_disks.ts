/** Disks in memory with an HDD's scaled write rate: loop devices with ext4, throttled by the kernel's block controller. */
import { basename } from "node:path";
import { shell } from "../bench_tree.ts";

/**
 * The root group of cgroup v1. The kernel writes dirty pages back in the root group's name, so a rule in the
 * writer's own group would limit O_DIRECT only.
 */
const RULES = "/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device";
const CHECK_SECONDS = 2;

interface Disk {
  readonly device: string;
  readonly file: string;
  readonly folder: string;
}

interface DisksOptions {
  readonly count: number;
  readonly sizeMib: number;
  readonly bytesPerSecond: number;
}

/** Disposing of it unmounts and removes all disks and their rules. Needs root. */
export class ThrottledDisks implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #disks: readonly Disk[];

  private constructor(stack: AsyncDisposableStack, disks: readonly Disk[]) {
    this.#stack = stack;
    this.#disks = disks;
  }

  static async make(directory: string, { count, sizeMib, bytesPerSecond }: DisksOptions) {
    await using stack = new AsyncDisposableStack();
    const disks: Disk[] = [];
    for (let index = 0; index < count; index++) {
      const disk = await attach(`${directory}/disk-${index}`, { sizeMib, stack });
      await limit(disk.device, { bytesPerSecond, stack });
      disks.push(disk);
    }
    return new ThrottledDisks(stack.move(), disks);
  }

  /** Makes an empty ext4 on a disk, once, and mounts it; returns where. */
  async format(index: number): Promise<string> {
    const disk = this.#disks[index];
    if (!disk) throw new RangeError(`there is no disk ${index}`);
    const { device, folder } = disk;
    await shell(`mkfs.ext4 -q ${device}; mount ${device} ${folder}; rmdir ${folder}/lost+found`, "/");
    this.#stack.defer(() => shell(`umount ${folder} || umount --lazy ${folder}`, "/"));
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function attach(
  file: string,
  { sizeMib, stack }: { sizeMib: number; stack: AsyncDisposableStack },
): Promise<Disk> {
  const folder = `${file}.mnt`;
  await Deno.mkdir(folder);
  await shell(`truncate -s ${sizeMib}M ${file}`, "/");
  stack.defer(() => Deno.remove(file));
  const { success, stdout, stderr } = await new Deno.Command("losetup", { args: ["--find", "--show", file] })
    .output();
  const text = new TextDecoder();
  if (!success) throw new Error(`losetup ${file}: ${text.decode(stderr)}`);
  const device = text.decode(stdout).trim();
  stack.defer(() => shell(`losetup --detach ${device}`, "/"));
  return { device, file, folder };
}

async function limit(
  device: string,
  { bytesPerSecond, stack }: { bytesPerSecond: number; stack: AsyncDisposableStack },
): Promise<void> {
  const number = (await Deno.readTextFile(`/sys/class/block/${basename(device)}/dev`)).trim();
  const write = (rate: number) => Deno.writeTextFile(RULES, `${number} ${rate}`);
  try {
    await write(bytesPerSecond);
  } catch (cause) {
    throw new Error(
      `cannot throttle ${device}: ${RULES} cannot be written. Remedy: run as root where the blkio controller of cgroup v1 is mounted.`,
      { cause },
    );
  }
  stack.defer(() => write(0));
}

/** Throws unless buffered writes to such a disk, with a sync, take as long as its rate says. */
export async function checkThrottle(directory: string, bytesPerSecond: number): Promise<void> {
  await using disks = await ThrottledDisks.make(directory, { count: 1, sizeMib: 64, bytesPerSecond });
  const folder = await disks.format(0);
  await shell(`sync --file-system ${folder}`, "/");
  const started = performance.now();
  const bytes = Math.round(bytesPerSecond * CHECK_SECONDS);
  await shell(`head -c ${bytes} /dev/urandom > ${folder}/check; sync --file-system ${folder}`, "/");
  const seconds = (performance.now() - started) / 1000;
  if (seconds >= CHECK_SECONDS * 0.8) return;
  throw new Error(
    `the disks are not throttled: ${bytes} bytes took ${
      seconds.toFixed(2)
    } s instead of ${CHECK_SECONDS} s, so every figure would be too good. Remedy: run on a kernel whose blkio controller limits buffered writes at its root group.`,
  );
}
