/** The product's server in one network namespace, floods and clients in another. */
import { ensureProduct } from "../../build.ts";
import { link, NetworkNamespace } from "../../../test/support/netns.ts";

export const SERVER = "10.99.0.1";
/** The address of the client that must be served. */
export const GUEST = "10.99.1.1";
/** The source addresses of floods: 10.99.128.1 and up. */
const FLOOD_NETWORK = "10.99.128.0/17";
const NETWORK_BITS = 16;
/** Lets floods yield to server and client, since real ones come from other machines. */
const FOREMOST = -10;
/** The soft limit set by systemd and login shells. */
const OPEN_FILES = 1024;

export class FloodLab implements AsyncDisposable {
  readonly client: NetworkNamespace;
  readonly #stack: AsyncDisposableStack;
  readonly #child: Deno.ChildProcess;
  readonly #product: string;
  readonly #folder: string;

  private constructor(
    stack: AsyncDisposableStack,
    { client, child, product, folder }: {
      client: NetworkNamespace;
      child: Deno.ChildProcess;
      product: string;
      folder: string;
    },
  ) {
    this.#stack = stack;
    this.client = client;
    this.#child = child;
    this.#product = product;
    this.#folder = folder;
  }

  /** `product`: the build to measure; by default this tree's. */
  static async start(product: string | undefined): Promise<FloodLab> {
    await using stack = new AsyncDisposableStack();
    const path = product ?? await ensureProduct();
    const folder = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "rackseed-flood-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const server = stack.use(await NetworkNamespace.create("flood-server"));
    const client = stack.use(await NetworkNamespace.create("flood-client"));
    await link(
      { namespace: server, interface: "lan", address: `${SERVER}/${NETWORK_BITS}` },
      { namespace: client, interface: "lan", address: `${GUEST}/${NETWORK_BITS}` },
    );
    await client.ip(["route", "add", "local", FLOOD_NETWORK, "dev", "lo"]);
    // One neighbour to resolve, not a thousand.
    await server.ip(["route", "add", FLOOD_NETWORK, "via", GUEST]);
    const args = ["server", "--json", "--data", `${folder}/data`, "--interface", "lan"];
    const dhcp = ["--dhcp", "server", "--dhcp-range", "10.99.2.0-10.99.9.255"];
    const [command, argv] = server.argv([
      ...["nice", "-n", `${FOREMOST}`, "prlimit", `--nofile=${OPEN_FILES}:`, path],
      ...args,
      ...dhcp,
    ]);
    const child = new Deno.Command(command, {
      args: argv,
      stdin: "null",
      stdout: "piped",
      stderr: Deno.env.has("FLOOD_LOG") ? "inherit" : "null",
    }).spawn();
    stack.defer(async () => {
      if (isRunning(child.pid)) child.kill("SIGKILL");
      await child.status;
    });
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    if ((await lines.read()).done) throw new Error("the server ended at once");
    lines.releaseLock();
    return new FloodLab(stack.move(), { client, child, product: path, folder });
  }

  get caPath(): string {
    return `${this.#folder}/data/tls/ca.pem`;
  }

  get isUp(): boolean {
    return isRunning(this.#child.pid);
  }

  /** Resident memory in bytes; undefined once the server has ended. */
  residentBytes(): number | undefined {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(statusOf(this.#child.pid))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  }

  /** Publishes a small image; returns its info hash. */
  async publish(image: string): Promise<string> {
    const tree = `${this.#folder}/tree`;
    await Deno.mkdir(tree);
    await Deno.writeTextFile(`${tree}/file`, "a small image\n");
    const token = (await Deno.readTextFile(`${this.#folder}/data/token`)).trim();
    const at = ["--server", `https://${SERVER}:8443`, "--token", token];
    await this.#run([this.#product, "image", "import", image, tree, ...at, "--json"]);
    const shown = await this.#run([this.#product, "image", "show", image, ...at, "--json"]);
    return JSON.parse(shown).infoHash;
  }

  /** Runs a script of this folder in the second namespace. */
  spawn(
    script: string,
    args: readonly string[],
    { nice = FOREMOST }: { nice?: number } = {},
  ): Deno.ChildProcess {
    const path = new URL(script, import.meta.url).pathname;
    const program = [Deno.execPath(), "run", "-A", "--no-check", path, ...args];
    return this.client.spawn(["nice", "-n", `${nice}`, ...program]);
  }

  async #run(argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.client.run(argv);
    if (code !== 0) throw new Error(`${argv.slice(0, 3).join(" ")} exited ${code}: ${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** `ip netns exec` execs the program, so the child's pid is the server's. */
function statusOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/status`);
  } catch {
    return "";
  }
}

function isRunning(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(statusOf(pid));
}
