import { LinkLab } from "../link_lab.ts";
import { Program } from "../program.ts";
import type { BenchImage } from "./bench_image.ts";
import { withEmptyFileSystem } from "./file_system.ts";

const [SERVER, NODE] = [0, 1];
/** The server is always the lab's first machine. */
export const SERVER_ADDRESS = "10.213.0.1";
export const ANNOUNCE = `http://${SERVER_ADDRESS}:6969/announce`;

interface LabOptions {
  readonly scratch: string;
  /** Of the node's file system. */
  readonly sizeMib: number;
  /** Where the node's file system is a folder; undefined: an ext4 in memory. */
  readonly disk: string | undefined;
  readonly rateMbit?: number | undefined;
  /** Processors, as in taskset(1), of the server. */
  readonly serverCpus: string;
  readonly signal: AbortSignal;
}

export interface Cost {
  /** From the start of the work to its end. */
  readonly seconds: number;
  /** Processor time of the node's processes in it, user and system. */
  readonly coreSeconds: number;
}

/** A server that seeds an image, and a node, each in a network namespace on a link of its own. Needs root. */
export class InstallLab implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #lab: LinkLab;
  readonly #options: LabOptions;

  private constructor(lab: LinkLab, options: LabOptions) {
    this.#lab = this.#stack.use(lab);
    this.#options = options;
  }

  static async start(image: BenchImage, options: LabOptions): Promise<InstallLab> {
    const { rateMbit } = options;
    const limit = rateMbit === undefined ? {} : { rateMbit };
    const lab = new InstallLab(await LinkLab.make("install-bench", { count: 2, ...limit }), options);
    try {
      const serve = ["serve", image.torrent, image.served, SERVER_ADDRESS];
      await lab.serve(script("swarm_node.ts", serve), (line) => line === "READY");
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a program on the server; it runs until the lab is disposed. */
  async serve(argv: readonly string[], isReady: (line: string) => boolean): Promise<void> {
    const server = this.#start(SERVER, argv, this.#options.serverCpus);
    this.#stack.defer(() => server.stop());
    await server.line(isReady);
    server.drain();
  }

  /**
   * Runs a program on the node with an empty file system. It prints READY, waits for a line on standard input, works,
   * prints DONE and stays. `check`: called with the file system afterwards.
   */
  measure(
    argv: (target: string) => readonly string[] | Promise<readonly string[]>,
    { cpus, check }: { cpus: string; check?: ((target: string) => Promise<void>) | undefined },
  ): Promise<Cost> {
    const { scratch, sizeMib, disk } = this.#options;
    return withEmptyFileSystem({ scratch, sizeMib, folder: disk }, async (target) => {
      const node = this.#start(NODE, await argv(target), cpus);
      try {
        await node.line((line) => line === "READY");
        const started = performance.now(), before = node.cpuSeconds();
        await node.go();
        await node.line((line) => line === "DONE");
        const seconds = (performance.now() - started) / 1000, coreSeconds = node.cpuSeconds() - before;
        await check?.(target);
        return { seconds, coreSeconds };
      } finally {
        await node.stop();
      }
    });
  }

  #start(machine: number, argv: readonly string[], cpus: string): Program {
    const { signal } = this.#options;
    signal.throwIfAborted();
    return new Program(this.#lab.on(machine, ["taskset", "--cpu-list", cpus, ...argv]), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Processors of server and node, as in taskset(1). They share one only if the node has all. */
export function splitProcessors(nodeCores: number): { serverCpus: string; cpus: string } {
  const count = navigator.hardwareConcurrency;
  return { serverCpus: `0-${Math.max(0, count - nodeCores - 1)}`, cpus: `${count - nodeCores}-${count - 1}` };
}

/** The command line of a script in the folder of benches. */
export function script(name: string, args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "-A", new URL(`../${name}`, import.meta.url).pathname, ...args];
}

/** Throws unless the installed tree has the contents of the original. */
export async function compareTrees(tree: string, target: string): Promise<void> {
  const { success, stdout } = await new Deno.Command("diff", {
    args: ["-rq", "--no-dereference", tree, target],
  }).output();
  const text = new TextDecoder().decode(stdout).slice(0, 2000);
  if (!success) throw new Error(`the installed tree is another: ${text}`);
}
