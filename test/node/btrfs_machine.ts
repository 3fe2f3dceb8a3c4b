/** A machine whose root is a btrfs, on one loop device or several, and clones of it. */
import assert from "node:assert/strict";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { FileSystem } from "#contract/format/layout.ts";
import { type MachineLayout, readLayout } from "../../agent/layout/read_layout.ts";
import { type Run, runCommand as run } from "../../agent/sys/command.ts";
import { isWithin, type MountEntry, readMountTable } from "../../agent/sys/mount_table.ts";
import { LoopDisk } from "./loop_disk.ts";

const MBR = "label: dos\n1 : start=2048, type=83, bootable\n";

export class BtrfsMachine implements AsyncDisposable {
  readonly root: string;
  readonly disks: readonly LoopDisk[];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    root: string,
    { disks, stack }: { disks: readonly LoopDisk[]; stack: AsyncDisposableStack },
  ) {
    this.root = root;
    this.disks = disks;
    this.#stack = stack;
  }

  /** `made`: a script that makes it, with $DEVICES, and mounts it below $ROOT; $TOP is a free directory. */
  static async make(
    { made, disks: count = 1, sizeBytes = 600 << 20 }: { made: string; disks?: number; sizeBytes?: number },
  ): Promise<BtrfsMachine> {
    await using stack = new AsyncDisposableStack();
    const disks: LoopDisk[] = [];
    for (let i = 0; i < count; i++) {
      const disk = stack.use(await LoopDisk.make({ sizeBytes }));
      await run(["sfdisk", "--quiet", "--no-tell-kernel", disk.device], { input: MBR });
      await run(["partx", "--add", disk.device]);
      disks.push(disk);
    }
    const [root, top] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
    stack.defer(() => Deno.remove(root));
    stack.defer(() => Deno.remove(top));
    stack.defer(async () => {
      for (const { target } of readMountTable().toReversed()) {
        if (isWithin(target, root as BytePath)) await run(["umount", "--lazy", target]);
      }
    });
    const devices = disks.map((disk) => disk.partition(1)).join(" ");
    await run([
      "bash",
      "-euc",
      `DEVICES="${devices}" DEVICE=${disks[0]?.partition(1)} ROOT=${root} TOP=${top}\n${made}`,
    ]);
    return new BtrfsMachine(root, { disks, stack: stack.move() });
  }

  /** The agent's view of it. */
  async read(): Promise<MachineLayout & { fileSystem: FileSystem }> {
    const machine = await readLayout({
      run: showing(this.disks),
      diskTypes: ["loop"],
      root: this.root,
      mounts: this.#mounts(),
    });
    const fileSystem = machine.layout.fileSystems[0];
    assert(fileSystem);
    return { ...machine, fileSystem };
  }

  #mounts(): MountEntry[] {
    const root = this.root as BytePath;
    return readMountTable().filter(({ target }) => isWithin(target, root)).map((mount) => ({
      ...mount,
      target: `/${mount.target.slice(root.length + 1)}` as BytePath,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** Runs the real programs, but shows them these disks only. */
function showing(disks: readonly LoopDisk[]): Run {
  return (argv, options) =>
    run(argv[0] === "lsblk" ? [...argv, ...disks.map(({ device }) => device)] : argv, options);
}

/**
 * Everything below the mounted top of a btrfs that a clone must have, as text: names, kinds, modes, owners, sizes,
 * times, attributes, flags, content, and its subvolumes.
 */
export async function described(
  device: string,
  { without = "^$" }: { without?: string } = {},
): Promise<string> {
  const script = `cd "$1"
    find . -mindepth 1 -printf '%p %y %m %U:%G %s %T@ %l\\n' | sed 's/^\\(.* d [0-9]* [0-9:]*\\) [0-9]* /\\1 /' | sort
    getfattr -R -h -d -m - . 2>/dev/null | awk '/^# file:/ { at = $0; next } NF { print at, $0 }' | sort
    lsattr -R . 2>/dev/null | grep -v '^$' | sed 's/^\\([^ ]*\\)m /\\1- /' | sort
    find . -type f -print0 | sort -z | xargs -0 sha256sum
    btrfs subvolume list . | sed 's/.* path //' | sort | while read -r path; do
      echo "$path: $(btrfs property get "$path" ro)"
    done
    echo "default: $(btrfs subvolume get-default . | sed 's/.* path //')"`;
  const at = await Deno.makeTempDir();
  await run(["mount", "-o", "subvolid=5", device, at]);
  try {
    const { stdout } = await run(["bash", "-euc", script, "bash", at]);
    return stdout.split("\n").filter((line) => !new RegExp(without).test(line)).join("\n");
  } finally {
    await run(["umount", at]);
    await Deno.remove(at);
  }
}
