/**
 * A block device that shows the content of another one and keeps what is written to it in memory: device mapper's
 * "snapshot" (Documentation/admin-guide/device-mapper/snapshot.rst), which opens the other one read-only.
 */
import type { Run } from "./command.ts";
import { controlDevice, SystemCallError } from "./kernel.ts";
import { firstLine } from "./small_file.ts";

/** linux/dm-ioctl.h: _IOWR(0xfd, number, struct dm_ioctl), the struct of 312 bytes. */
const requestOf = (number: number) => ((3 << 30) | (312 << 16) | (0xfd << 8) | number) >>> 0;
const CREATE = requestOf(3), REMOVE = requestOf(4), RESUME = requestOf(6), LOAD = requestOf(9);
const CONTROL = "/dev/mapper/control";
const HEAD_BYTES = 312, TARGET_BYTES = 40;
/** In sectors of 512 bytes: 4 KiB, the block size of most file systems. */
const CHUNK_SECTORS = 8;
/** The store's size is a multiple: above disks with sectors of 4096 bytes, device mapper refuses any other. */
const STORE_UNIT_BYTES = 1 << 20;

interface Options {
  readonly run: Run;
  readonly signal: AbortSignal;
}

export class MemorySnapshot implements AsyncDisposable {
  /** "/dev/dm-0" */
  readonly device: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(device: string, owned: AsyncDisposableStack) {
    this.device = device;
    this.#owned = owned;
  }

  /** `origin`: "/dev/sda2". Half of the free memory takes the writes. Throws if the kernel has no dm-snapshot. */
  static async over(origin: string, { run, signal }: Options): Promise<MemorySnapshot> {
    await using stack = new AsyncDisposableStack();
    await run(["modprobe", "-a", "-q", "dm-snapshot", "loop"], { signal, accept: [0, 1] });
    const sectors = Number(await firstLine(`/sys/class/block/${origin.slice("/dev/".length)}/size`));
    const file = await Deno.makeTempFile({ dir: "/run", prefix: "rackseed-snapshot-" });
    stack.defer(() => Deno.remove(file));
    const units = Math.floor(await freeBytes() / 2 / STORE_UNIT_BYTES);
    await Deno.truncate(file, units * STORE_UNIT_BYTES);
    const { stdout } = await run(["losetup", "--find", "--show", file], { signal });
    const store = stdout.trim();
    stack.defer(async () => void await run(["losetup", "--detach", store]));
    const name = file.slice(file.lastIndexOf("/") + 1);
    const made = control(CREATE, { name });
    stack.defer(() => void control(REMOVE, { name }));
    control(LOAD, { name, target: { sectors, text: `${origin} ${store} N ${CHUNK_SECTORS}` } });
    control(RESUME, { name });
    // the kernel's own encoding of a device number (linux/kdev_t.h): eight bits of the minor, the major, the rest
    const minor = (made & 0xff) | ((made >>> 12) & 0xfff00);
    // udev's link: lsblk leaves out a device without it, and with it all that lie on it
    const link = `/dev/mapper/${name}`;
    await Deno.symlink(`../dm-${minor}`, link).catch(unlessExists);
    stack.defer(() => Deno.remove(link).catch(unlessGone));
    return new MemorySnapshot(`/dev/dm-${minor}`, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

function unlessExists(error: unknown): void {
  if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** Returns the device's number. */
function control(
  request: number,
  { name, target }: { name: string; target?: { sectors: number; text: string } },
): number {
  const text = new TextEncoder().encode(`${target?.text ?? ""}\0`);
  const data = new Uint8Array(HEAD_BYTES + (target ? TARGET_BYTES + Math.ceil(text.length / 8) * 8 : 0));
  const view = new DataView(data.buffer);
  // version[3], data_size, data_start, target_count; dev at 40, name at 48
  [4, 0, 0, data.length, HEAD_BYTES, target ? 1 : 0].forEach((word, i) => view.setUint32(i * 4, word, true));
  data.set(new TextEncoder().encode(name).subarray(0, 127), 48);
  if (target) {
    // sector_start, length, status, next, target_type[16], then the text
    view.setBigUint64(HEAD_BYTES + 8, BigInt(target.sectors), true);
    data.set(new TextEncoder().encode("snapshot"), HEAD_BYTES + 24);
    data.set(text, HEAD_BYTES + TARGET_BYTES);
  }
  try {
    controlDevice(CONTROL, { request, data, call: "device mapper" });
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new Error(`${error.message} (dm-snapshot)`, { cause: error });
  }
  return view.getUint32(40, true);
}

async function freeBytes(): Promise<number> {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(await Deno.readTextFile("/proc/meminfo"))?.[1];
  return Number(kib ?? 0) * 1024;
}
