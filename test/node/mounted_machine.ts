/** A machine with two file systems on a disk of its own, and mounts of every kind on top of and inside them. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { readLayout } from "../../agent/layout/read_layout.ts";
import type { Unseen } from "../../agent/layout/read_others.ts";
import type { OwnMount } from "../../agent/layout/mounts/own_mounts.ts";
import { type Run, runCommand as run } from "../../agent/sys/command.ts";
import { isWithin, type MountEntry, readMountTable } from "../../agent/sys/mount_table.ts";
import { LoopDisk } from "./loop_disk.ts";

const TABLE = "label: gpt\n1 : size=30M, type=L\n2 : size=20M, type=L\n3 : size=320M, type=L\n";

export class MountedMachine implements AsyncDisposable {
  /** The path of the machine's root. */
  readonly root: string;
  readonly disk: LoopDisk;
  readonly #servers: Deno.ChildProcess[] = [];

  private constructor(root: string, disk: LoopDisk) {
    this.root = root;
    this.disk = disk;
  }

  /** Its second partition is /data, with a file that has two names; the third is not mounted yet. */
  static async make(): Promise<MountedMachine> {
    await using stack = new AsyncDisposableStack();
    const disk = await LoopDisk.make({ sizeBytes: 400 << 20 });
    const machine = stack.use(new MountedMachine(await Deno.realPath(await Deno.makeTempDir()), disk));
    await run(["sfdisk", "--quiet", "--no-tell-kernel", disk.device], { input: TABLE });
    await run(["partx", "--add", disk.device]);
    for (const number of [1, 2, 3]) await run(["mkfs.ext4", "-q", "-F", disk.partition(number)]);
    await run(["mount", disk.partition(1), machine.root]);
    await machine.shell("mkdir data etc mnt srv tmp; echo of the root > etc/hosts");
    await machine.shell("mount $DISK'p2' data; echo of data > data/file; ln data/file data/link");
    stack.move();
    return machine;
  }

  /** Runs a script in the machine's root; $DISK is its disk. */
  async shell(script: string): Promise<void> {
    await run(["sh", "-ec", `DISK=${this.disk.device}; cd "$0"; ${script}`, this.root]);
  }

  /**
   * Mounts a FUSE file system on `path` whose program never answers. One owned by user 1000 refuses all others, even
   * root; one whose program has ended is not connected.
   */
  async fuse(
    path: string,
    { user = 0, dead = false }: { user?: number; dead?: boolean } = {},
  ): Promise<void> {
    const script = `exec 3<>/dev/fuse
      mount -i -t fuse -o fd=3,rootmode=40000,user_id=${user},group_id=0 none "$0"; echo; read end`;
    const server = new Deno.Command("sh", {
      args: ["-ec", script, `${this.root}/${path}`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#servers.push(server);
    const reader = server.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    if (dead) await end(this.#servers.pop());
  }

  /** The agent's view of the machine. */
  async facts(): Promise<
    { layout: DiskLayout; mountPoints: readonly OwnMount[]; unseen: readonly Unseen[] }
  > {
    return await readLayout({
      run: this.#showing,
      diskTypes: ["loop"],
      root: this.root,
      mounts: this.mounts(),
    });
  }

  /** Its part of the kernel's mount table, as it would appear on the machine. */
  mounts(): MountEntry[] {
    const root = this.root as BytePath;
    return readMountTable().filter(({ target }) => isWithin(target, root)).map((mount) => ({
      ...mount,
      target: `/${mount.target.slice(root.length + 1)}` as BytePath,
    }));
  }

  /** Runs the real programs, but shows them this disk only. */
  readonly #showing: Run = (argv, options) =>
    run(argv[0] === "lsblk" ? [...argv, this.disk.device] : argv, options);

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await end(server);
    for (const { target } of this.mounts().reverse()) {
      await run(["umount", "--lazy", "--no-canonicalize", `${this.root}${target}`], { accept: [0, 32] });
    }
    await Deno.remove(this.root);
    await this.disk[Symbol.asyncDispose]();
  }
}

async function end(server: Deno.ChildProcess | undefined): Promise<void> {
  if (server === undefined) return;
  await server.stdin.close();
  await server.stdout.cancel();
  await server.status;
}
