/**
 * A server on a link of limited rate, and all machines behind a switch at its other end: two network namespaces.
 */
import { link, NetworkNamespace } from "../../../test/support/netns.ts";
import { cpuSecondsOf } from "../process_cost.ts";
import type { StormFigures } from "./figures.ts";
import { MACHINES, NETMASK_BITS, SERVER, SWITCH } from "./place.ts";

/** What the machines are to load. */
interface StormFiles {
  readonly kernelBytes: number;
  readonly initramfsBytes: number;
}

export interface StormShape extends StormFiles {
  readonly count: number;
  readonly withinSeconds: number;
  readonly rateMbit: number;
  /** The firmware's TFTP window, in blocks. */
  readonly windowsize: number;
}

export class StormLab implements AsyncDisposable {
  readonly server: NetworkNamespace;
  readonly folder: string;
  readonly #machines: NetworkNamespace;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    stack: AsyncDisposableStack,
    { server, machines, folder }: { server: NetworkNamespace; machines: NetworkNamespace; folder: string },
  ) {
    this.#stack = stack;
    this.server = server;
    this.#machines = machines;
    this.folder = folder;
  }

  static async create({ rateMbit }: Pick<StormShape, "rateMbit">): Promise<StormLab> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "rackseed-storm-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const server = stack.use(await NetworkNamespace.create("storm-server"));
    const machines = stack.use(await NetworkNamespace.create("storm-machines"));
    await link(
      { namespace: server, interface: "lan", address: `${SERVER}/${NETMASK_BITS}` },
      { namespace: machines, interface: "lan", address: `${SWITCH}/${NETMASK_BITS}` },
    );
    await machines.ip(["route", "add", "local", MACHINES, "dev", "lo"]);
    // one neighbour to resolve, as for a router; a switch would have the machines' own answers
    await server.ip(["route", "add", MACHINES, "via", SWITCH]);
    await limit(server, rateMbit);
    return new StormLab(stack.move(), { server, machines, folder });
  }

  /** Starts a program in the server's namespace; it is stopped with the lab. Returns once its output has a line, if asked. */
  async start(
    argv: readonly string[],
    { untilLine = false }: { untilLine?: boolean } = {},
  ): Promise<{ readonly pid: number; stop(): Promise<void> }> {
    const [command, args] = this.server.argv(argv);
    const stderr = Deno.env.has("STORM_LOG") ? "inherit" : "null";
    const child = new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr }).spawn();
    const reader = child.stdout.getReader();
    const stop = async () => {
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended.
      }
      await reader.cancel();
      await child.status;
    };
    this.#stack.defer(stop);
    if (untilLine && (await reader.read()).done) throw new Error(`${argv[0]} ended at once`);
    return { pid: child.pid, stop };
  }

  /** Runs a script of this folder at the machines' end. */
  async run(script: string, args: readonly string[]): Promise<string> {
    const path = new URL(script, import.meta.url).pathname;
    const nofile = ["prlimit", "--nofile=16384:"];
    const { code, stdout, stderr } = await this.#machines.run([
      ...nofile,
      ...[Deno.execPath(), "run", "-A", "--no-check", path, ...args],
    ]);
    if (code !== 0) throw new Error(`${script} exited ${code}: ${stderr}`);
    return stdout;
  }

  /** Switches the machines on. `pid`: of the server, whose processor time is measured. */
  async storm(
    { count, withinSeconds, windowsize, kernelBytes, initramfsBytes }: StormShape,
    { pid }: { pid: number },
  ): Promise<StormFigures & { readonly cpuSeconds: number }> {
    const before = cpuSecondsOf(pid);
    const sizes = ["--kernel-bytes", `${kernelBytes}`, "--initramfs-bytes", `${initramfsBytes}`];
    const machines = ["--count", `${count}`, "--within", `${withinSeconds}`, "--window", `${windowsize}`];
    const text = await this.run("clients.ts", [...machines, ...sizes]);
    return { ...JSON.parse(text), cpuSeconds: cpuSecondsOf(pid) - before };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Shapes what the server sends: tbf(8), with a queue of 1000 packets as a network card has. */
async function limit(namespace: NetworkNamespace, rateMbit: number): Promise<void> {
  const shape = ["rate", `${rateMbit}mbit`, "burst", "256kb", "limit", `${1000 * 1514}`];
  const { code, stderr } = await namespace.run(["tc", "qdisc", "add", "dev", "lan", "root", "tbf", ...shape]);
  if (code !== 0) throw new Error(`tc exited ${code}: ${stderr}`);
}
