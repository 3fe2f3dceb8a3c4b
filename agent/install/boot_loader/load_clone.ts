/**
 * The finished clone starts straight from the installer: its own kernel, initramfs and command line are loaded while it
 * is still mounted. Where that cannot be done, the machine restarts through its firmware as always, and says why.
 */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import type { BootFacts } from "#contract/format/boot.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { kexecBytes } from "#contract/kexec_memory.ts";
import { type DefaultEntry, defaultEntry } from "../../boot_config/default_entry.ts";
import { unifiedParts } from "../../boot_config/unified_kernel.ts";
import { loadKernel, MemoryFile } from "../../sys/kexec.ts";
import { availableBytes, kexecObstacle, loadObstacle, readKexecFacts } from "../../sys/kexec_obstacle.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import type { FileRange } from "../../tree/file_range.ts";
import type { TreeReader } from "../../tree/tree_files.ts";

export interface Loaded {
  /** Whether the machine can start its own system by kexec now. */
  readonly isLoaded: boolean;
  /** For people. */
  readonly note: string;
}

/** What this needs of the machine. */
interface LoadPort {
  readonly facts: () => ReturnType<typeof readKexecFacts>;
  readonly available: () => Promise<number>;
  readonly load: typeof loadKernel;
}

const MACHINE: LoadPort = {
  facts: () => readKexecFacts(),
  available: () => availableBytes(),
  load: loadKernel,
};

/** Never throws: the clone is complete without it. */
export async function loadClone(
  clone: TreeReader,
  { facts, port = MACHINE }: { facts: Pick<BootFacts, "loader" | "grubFolder">; port?: LoadPort },
): Promise<Loaded> {
  const machine = await port.facts();
  const obstacle = kexecObstacle(machine);
  if (obstacle) return throughFirmware(obstacle.reason);
  try {
    const entry = await defaultEntry(clone, facts);
    const parts = await partsOf(clone, entry);
    const sizeBytes = [...parts.kernel, ...parts.initramfs].reduce((sum, part) => sum + part.range.size, 0);
    const available = await port.available();
    if (available < kexecBytes(sizeBytes)) {
      const mib = (bytes: number) => `${Math.ceil(bytes / (1 << 20))} MiB`;
      return throughFirmware(
        `loading its kernel takes ${mib(kexecBytes(sizeBytes))} of memory, and ${mib(available)} are free.`,
      );
    }
    using kernel = await opened("kernel", parts.kernel);
    using initramfs = parts.initramfs.length === 0 ? undefined : await opened("initramfs", parts.initramfs);
    try {
      port.load({ kernel: kernel.fd, initramfs: initramfs?.fd, commandLine: entry.commandLine });
    } catch (error) {
      return throughFirmware(loadObstacle(error, machine).reason);
    }
    return { isLoaded: true, note: `it starts "${entry.title}" without the firmware` };
  } catch (error) {
    return throughFirmware(error instanceof RackseedError ? error.reason : messageOf(error));
  }
}

function throughFirmware(reason: string): Loaded {
  return { isLoaded: false, note: `it restarts through its firmware: ${reason.replace(/\.$/, "")}` };
}

/** A part of a file: its real path, and which bytes. */
interface Part {
  readonly at: string;
  readonly range: FileRange;
  readonly isWhole: boolean;
}

async function partsOf(
  clone: TreeReader,
  entry: DefaultEntry,
): Promise<{ kernel: readonly Part[]; initramfs: readonly Part[] }> {
  if (entry.kind === "files") {
    const [kernel, ...initramfs] = await Promise.all(
      [entry.kernel, ...entry.initrds].map((path) => wholePart(clone, path)),
    );
    return { kernel: kernel ? [kernel] : [], initramfs };
  }
  const at = await clone.file(entry.image), found = at === undefined ? undefined : await unifiedParts(at);
  if (at === undefined || found === undefined) throw vanished(entry.image);
  const part = (range: FileRange): Part => ({ at, range, isWhole: false });
  return { kernel: [part(found.kernel)], initramfs: found.initramfs ? [part(found.initramfs)] : [] };
}

async function wholePart(clone: TreeReader, path: string): Promise<Part> {
  const at = await clone.file(path);
  if (at === undefined) throw vanished(path);
  return { at, range: { offset: 0, size: (await Deno.stat(at)).size }, isWhole: true };
}

function vanished(path: string): RackseedError {
  return new RackseedError("cannot load the clone's kernel", {
    reason: `${path} is not what a boot entry says.`,
    remedy: "restart through the firmware.",
  });
}

interface Opened extends Disposable {
  readonly fd: number;
}

/** One whole file as it is; several, and parts of one, joined in memory. */
async function opened(name: string, parts: readonly Part[]): Promise<Opened> {
  const [first, ...others] = parts;
  if (first?.isWhole && others.length === 0) {
    const fd = openAt(AT_FDCWD, bytePathOfText(first.at), { flags: O.RDONLY });
    return { fd, [Symbol.dispose]: () => close(fd) };
  }
  const file = new MemoryFile(name);
  try {
    await join(file, parts);
    return file;
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

const CHUNK_BYTES = 1 << 20;

async function join(file: MemoryFile, parts: readonly Part[]): Promise<void> {
  using output = await file.open();
  const write = async (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length;) done += await output.write(bytes.subarray(done));
  };
  let total = 0;
  for (const { at, range } of parts) {
    // the kernel looks for the next archive at multiples of 4 only
    await write(new Uint8Array((4 - total % 4) % 4));
    total += (4 - total % 4) % 4 + range.size;
    using input = await Deno.open(at);
    await input.seek(range.offset, Deno.SeekMode.Start);
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let left = range.size; left > 0;) {
      const got = await input.read(chunk.subarray(0, Math.min(left, chunk.length)));
      if (got === null) throw vanished(at);
      await write(chunk.subarray(0, got));
      left -= got;
    }
  }
}
