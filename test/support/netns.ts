/**
 * Network namespaces for tests (root; iproute2). The host's own network is not touched: links connect namespaces, and
 * are removed with them.
 */

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One end of a virtual cable; without a namespace, on the host. */
interface LinkEnd {
  readonly namespace?: NetworkNamespace;
  /** At most 15 characters. */
  readonly interface: string;
  /** With its prefix length: `10.0.0.1/24`. */
  readonly address?: string;
  /** A bridge in the same namespace, to plug this end into. */
  readonly bridge?: string;
}

export class NetworkNamespace implements AsyncDisposable {
  /** The name in `ip netns`, with this process's id appended, so that concurrent runs do not clash. */
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Creates a namespace with its loopback up. Disposing of it removes its interfaces and ends its processes. */
  static async create(name: string): Promise<NetworkNamespace> {
    const namespace = new NetworkNamespace(`${name}-${Deno.pid}`);
    await ip(["netns", "add", namespace.name]);
    try {
      await namespace.ip(["link", "set", "lo", "up"]);
    } catch (error) {
      // Ctrl-C ends ip(8) too.
      await namespace[Symbol.asyncDispose]();
      throw error;
    }
    return namespace;
  }

  /** The command line that runs `argv` in the namespace. */
  argv(argv: readonly string[]): [string, string[]] {
    return ["ip", ["netns", "exec", this.name, ...argv]];
  }

  async run(argv: readonly string[], { signal }: { signal?: AbortSignal } = {}): Promise<Output> {
    return await output(this.argv(argv), signal);
  }

  /** Starts a process with piped output, which is killed with the namespace if it is still running. */
  spawn(argv: readonly string[]): Deno.ChildProcess {
    const [command, args] = this.argv(argv);
    return new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr: "inherit" }).spawn();
  }

  async ip(args: readonly string[]): Promise<string> {
    return await ip(["-n", this.name, ...args]);
  }

  async addBridge(name: string, address?: string): Promise<void> {
    await this.ip(["link", "add", name, "type", "bridge", "forward_delay", "0", "stp_state", "0"]);
    if (address !== undefined) await this.ip(["address", "add", address, "dev", name]);
    await this.ip(["link", "set", name, "up"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of (await ip(["netns", "pids", this.name])).split("\n").filter((line) => line !== "")) {
      try {
        Deno.kill(Number(pid), "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    await ip(["netns", "delete", this.name]);
  }
}

/** Creates a virtual cable (veth) between two ends, both up. */
export async function link(a: LinkEnd, b: LinkEnd): Promise<void> {
  const place = ({ namespace }: LinkEnd) => namespace ? ["netns", namespace.name] : [];
  const names = [a.interface, ...place(a), "type", "veth", "peer", "name", b.interface, ...place(b)];
  await ip(["link", "add", ...names]);
  for (const end of [a, b]) {
    const at = end.namespace ? ["-n", end.namespace.name] : [];
    if (end.address !== undefined) await ip([...at, "address", "add", end.address, "dev", end.interface]);
    if (end.bridge !== undefined) await ip([...at, "link", "set", end.interface, "master", end.bridge]);
    await ip([...at, "link", "set", end.interface, "up"]);
  }
}

async function ip(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await output(["ip", [...args]]);
  if (code !== 0) throw new Error(`ip ${args.join(" ")} exited ${code}: ${stderr}`);
  return stdout;
}

async function output([command, args]: [string, string[]], signal?: AbortSignal): Promise<Output> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(signal && { signal }),
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}
