/**
 * A Debian whose first process is systemd: a container with namespaces of its own, but in the lab's network. Low
 * ports, capabilities and broadcasts are there as on a machine.
 */
import { BackgroundProgram } from "./background_program.ts";
import { run } from "./command.ts";
import { debianTree, keptPackages } from "./debian.ts";
import type { Workplace } from "./workplace.ts";

export const containerPrograms = ["systemd-nspawn", "nsenter", "tar", "zstd"];

/** What only a machine with a kernel of its own needs. */
const LEFT_OUT = ["./boot", "./usr/lib/modules", `./${keptPackages}`];
/** They would ask for a login on the lab's output, or serve ssh in its network. */
const MASKED = ["console-getty.service", "getty.target", "ssh.service"];
const BOOT_MS = 60_000;
const LOOK_MS = 100;

export class DebianContainer implements AsyncDisposable {
  /** Its file system, on this machine. */
  readonly root: string;
  readonly #lab: Workplace;
  readonly #name: string;
  readonly #supervisor: BackgroundProgram;
  #systemd = 0;

  private constructor(lab: Workplace, { root, name }: { readonly root: string; readonly name: string }) {
    this.root = root;
    this.#lab = lab;
    this.#name = name;
    const argv = [
      ...["systemd-nspawn", "--quiet", "--boot", "--directory", root, "--machine", name],
      ...[`--network-namespace-path=/run/netns/${lab.network.namespace}`, "--console=pipe"],
      // there may be no systemd and no machined on this machine
      ...["--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off", "--timezone=off"],
    ];
    const { signal } = lab;
    this.#supervisor = new BackgroundProgram(argv, { name, log: `${lab.keep}/${name}.log`, signal });
    lab.transcripts.push(this.#supervisor.output);
  }

  /** Unpacks the lab's Debian into a folder of this name, lets `prepare` change it, and boots it. */
  static async boot(lab: Workplace, { name, prepare }: {
    readonly name: string;
    readonly prepare: (root: string) => Promise<void>;
  }): Promise<DebianContainer> {
    const root = `${lab.folder}/${name}`;
    await unpack(lab, root);
    for (const unit of MASKED) await Deno.symlink("/dev/null", `${root}/etc/systemd/system/${unit}`);
    await prepare(root);
    const container = new DebianContainer(lab, { root, name: `${name}-${Deno.pid}-${serial++}` });
    try {
      await container.#booted();
      return container;
    } catch (error) {
      await container[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The command line that runs `argv` in the container, as root. */
  inside(argv: readonly string[]): string[] {
    return ["nsenter", "--all", "--root", "--wd", "--target", `${this.#systemd}`, ...argv];
  }

  /** Runs a program in the container to its end; returns its output. */
  async run(...argv: string[]): Promise<string> {
    const onlyEnv = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
    return (await run(this.inside(argv), { onlyEnv, signal: this.#lab.signal })).stdout.trim();
  }

  /** systemd stops all units first. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
    await run(["rm", "-rf", "--one-file-system", this.root, `/run/systemd/nspawn/propagate/${this.#name}`]);
  }

  async #booted(): Promise<void> {
    const deadline = performance.now() + BOOT_MS;
    while (performance.now() < deadline) {
      this.#lab.signal.throwIfAborted();
      this.#systemd ||= await firstProcess(this.#supervisor.pid);
      if (this.#systemd !== 0) {
        const argv = this.inside(["systemctl", "is-system-running", "--wait"]);
        // 1: a unit has failed, or systemd does not answer yet
        const { stdout } = await run(argv, { accept: [1] });
        if (/^(running|degraded)$/m.test(stdout)) return;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw new Error(`${this.#name} has not booted in ${BOOT_MS / 1000} s\n${this.#supervisor.output.tail()}`);
  }
}

async function unpack({ cache, folder, signal, timeline }: Workplace, root: string): Promise<void> {
  const tree = await timeline.measure("Debian tree", () => debianTree({ cache, work: folder, signal }));
  await Deno.mkdir(root);
  const attributes = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "-xp"];
  const without = LEFT_OUT.map((path) => `--exclude=${path}`);
  await run(["tar", "-C", root, "-I", "zstd", ...attributes, ...without, "-f", tree], { signal });
}

/** The process that nsenter can aim at: systemd-nspawn's child, once it is systemd. 0 if it is not yet (proc(5)). */
async function firstProcess(supervisor: number): Promise<number> {
  try {
    const children = await Deno.readTextFile(`/proc/${supervisor}/task/${supervisor}/children`);
    for (const pid of children.trim().split(" ")) {
      if (await Deno.readTextFile(`/proc/${pid}/comm`) === "systemd\n") return Number(pid);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // a process has ended meanwhile
  }
  return 0;
}

let serial = 0;
