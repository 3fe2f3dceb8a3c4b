/**
 * A server, its standby and the machines that they install, each in a network namespace on one bridge. keepalived moves
 * the address at which the machines know the server, or `moveTo` does. Root; iproute2, curl, keepalived.
 */
import { StandbyOverview, StandbyToken } from "#contract/api/standbys.ts";
import { DeployAnswer, type NodeView } from "#contract/api.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { contentOf } from "../../server/standby/small_files.ts";
import { link, NetworkNamespace, type Output } from "./netns.ts";
import { waitFor } from "./wait_for.ts";

const ADDRESS = "10.78.0.1";
const OWN = { a: "10.78.0.2", b: "10.78.0.3" } as const, MACHINES = "10.78.0.10";
const PORT = 8443;
const PATIENCE_MS = 240_000;

type Side = keyof typeof OWN;

export class FailoverLab implements AsyncDisposable {
  readonly folder: string;
  readonly #program: string;
  readonly #stack: AsyncDisposableStack;
  readonly #places: Record<Side | "machines", NetworkNamespace>;
  readonly #hasKeepalived: boolean;
  readonly #started: Deno.ChildProcess[] = [];
  readonly #children: Record<Side, Deno.ChildProcess[]> = { a: [], b: [] };

  private constructor(
    folder: string,
    { program, stack, places, keepalived }: {
      program: string;
      keepalived: boolean;
      stack: AsyncDisposableStack;
      places: Record<Side | "machines", NetworkNamespace>;
    },
  ) {
    this.folder = folder;
    this.#program = program;
    this.#stack = stack;
    this.#places = places;
    this.#hasKeepalived = keepalived;
  }

  /** The standby follows. Without `keepalived`, which moves the address for nothing on a busy machine, the caller does. */
  static async start({ keepalived }: { keepalived: boolean }): Promise<FailoverLab> {
    await using stack = new AsyncDisposableStack();
    const program = await ensureProduct();
    const folder = await Deno.makeTempDir({ prefix: "rackseed-failover-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const bridge = stack.use(await NetworkNamespace.create("rf-lan"));
    await bridge.addBridge("lan");
    const place = async (name: string, address: string) => {
      const namespace = stack.use(await NetworkNamespace.create(`rf-${name}`));
      await link(
        { namespace, interface: "eth0", address: `${address}/24` },
        { namespace: bridge, interface: `to-${name}`, bridge: "lan" },
      );
      return namespace;
    };
    const places = {
      a: await place("a", OWN.a),
      b: await place("b", OWN.b),
      machines: await place("m", MACHINES),
    };
    const lab = new FailoverLab(folder, { program, stack: stack.move(), places, keepalived });
    try {
      await lab.#begin();
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  /** The admin token. */
  get token(): string {
    return Deno.readTextFileSync(`${this.folder}/a/token`).trim();
  }

  /** Runs the program where the machines are, against the address that moves; throws if it fails. */
  async rackseed(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#run("machines", args, { token: this.token });
    if (code !== 0) throw new Error(`rackseed ${args.join(" ")} exited ${code}: ${stderr}`);
    return stdout;
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.rackseed(...args, "--json")) as T;
  }

  /** Orders the installation of directories, one for each machine; resolves to their agents. */
  async deploy(names: readonly string[], image: string): Promise<Deno.ChildProcess[]> {
    for (const name of names) await Deno.mkdir(`${this.folder}/${name}`);
    await this.rackseed("node", "set", ...names);
    const { nodes } = DeployAnswer.parse(await this.json("node", "deploy", ...names, "--image", image));
    return nodes.map(({ node, token }) =>
      this.#spawn("machines", ["agent", "install", "--target", `${this.folder}/${node}`], {
        token,
        log: node,
      })
    );
  }

  /** What a machine's agent said. */
  logOf(name: string): Promise<string> {
    return Deno.readTextFile(`${this.folder}/${name}.log`);
  }

  nodes(): Promise<NodeView[]> {
    return this.json("node", "list");
  }

  async standbys(): Promise<StandbyOverview> {
    return StandbyOverview.parse(await this.json("server", "standby", "list"));
  }

  /** Waits until the standby has everything. */
  async untilCopied(): Promise<void> {
    await waitFor("the standby", async () => {
      const [a, b] = [`${this.folder}/a`, `${this.folder}/b`].map((data) => JSON.stringify(contentOf(data)));
      return a === b && (await this.standbys()).standbys[0]?.state === "follows";
    }, { timeoutMs: PATIENCE_MS });
  }

  /** As when its power is cut: the network first, then every process, at once. */
  async cutPower(side: Side): Promise<void> {
    await this.#places[side].ip(["link", "set", "eth0", "down"]);
    for (const child of this.#children[side]) {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
    await Promise.all(this.#children[side].map(({ status }) => status));
    this.#children[side] = [];
  }

  /** Gives a server the address that moves, and lets it serve, as keepalived does. */
  async moveTo(side: Side): Promise<void> {
    await this.#places[side].ip(["address", "add", `${ADDRESS}/24`, "dev", "eth0"]);
    // keepalived announces the address by ARP
    await this.#places.machines.ip(["neigh", "flush", "dev", "eth0"]);
    const { code, stderr } = await this.#run(side, [
      "server",
      "take-over",
      "--data",
      `${this.folder}/${side}`,
    ]);
    if (code !== 0) throw new Error(`rackseed server take-over exited ${code}: ${stderr}`);
  }

  /** Its network works again, and its service is started once; returns how it ends. */
  async returns(side: Side): Promise<Output> {
    await this.#places[side].ip(["link", "set", "eth0", "up"]);
    return await this.#run(side, this.#serverArguments(side));
  }

  /** Milliseconds until the server answers at the address that moves. */
  async untilAnswer(): Promise<number> {
    const beganMs = performance.now();
    const ready = ["curl", "-skf", "-m", "1", "-o", "/dev/null", `https://${ADDRESS}:${PORT}/readyz`];
    await waitFor("an answer", async () => (await this.#places.machines.run(ready)).code === 0, {
      timeoutMs: PATIENCE_MS,
      everyMs: 20,
    });
    return performance.now() - beganMs;
  }

  /** The namespaces end their processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    await Promise.all(this.#started.map(({ status }) => status));
  }

  async #begin(): Promise<void> {
    this.#serve("a");
    await waitFor("the server", () => Promise.resolve(isThere(`${this.folder}/a/url`)), {
      timeoutMs: PATIENCE_MS,
    });
    if (this.#hasKeepalived) await this.#keepAlive("a", { priority: 150 });
    else await this.moveTo("a");
    await this.untilAnswer();
    const { token } = StandbyToken.parse(await this.json("server", "standby", "add", "b"));
    const join = [
      "server",
      "join",
      `https://${OWN.a}:${PORT}`,
      "--token",
      token,
      "--data",
      `${this.folder}/b`,
    ];
    const { code, stderr } = await this.#run("b", join);
    if (code !== 0) throw new Error(`rackseed server join exited ${code}: ${stderr}`);
    this.#serve("b");
    await this.untilCopied();
    if (this.#hasKeepalived) await this.#keepAlive("b", { priority: 100 });
  }

  #serverArguments(side: Side): string[] {
    return [
      ...["server", "--data", `${this.folder}/${side}`, "--listen", `0.0.0.0:${PORT}`, "--address", ADDRESS],
      ...["--tftp-port", "off", "--upload-limit", "2MB/s"],
    ];
  }

  #serve(side: Side): void {
    this.#children[side].push(this.#spawn(side, this.#serverArguments(side), { log: `server-${side}` }));
  }

  /** As the documentation has it. */
  async #keepAlive(side: Side, { priority }: { priority: number }): Promise<void> {
    const { folder } = this, path = `${folder}/keepalived-${side}`;
    await Deno.writeTextFile(
      `${path}.conf`,
      `
global_defs {
  script_user root
  enable_script_security
}
vrrp_script rackseed {
  script "/usr/bin/curl -skf -m 2 -o /dev/null https://127.0.0.1:${PORT}/healthz"
  interval 1
  fall 2
  rise 1
}
vrrp_instance rackseed {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  virtual_ipaddress {
    ${ADDRESS}/24
  }
  track_script {
    rackseed
  }
  notify_master "${this.#program} server take-over --data ${folder}/${side}"
}
`,
    );
    const files = ["-p", `${path}.pid`, "-r", `${path}-vrrp.pid`, "-f", `${path}.conf`];
    const [command, args] = this.#places[side].argv(["keepalived", "-n", "-l", "-P", ...files]);
    this.#children[side].push(this.#start(command, args, { log: `keepalived-${side}` }));
  }

  #spawn(
    where: Side | "machines",
    args: readonly string[],
    { token, log }: { token?: string; log: string },
  ): Deno.ChildProcess {
    const [command, rest] = this.#places[where].argv([this.#program, ...args]);
    return this.#start(command, rest, { token, log });
  }

  #start(
    command: string,
    args: readonly string[],
    { token, log }: { token?: string | undefined; log: string },
  ): Deno.ChildProcess {
    const child = new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" >> ${this.folder}/${log}.log 2>&1`, command, ...args],
      env: {
        RACKSEED_SERVER: `https://${ADDRESS}:${PORT}`,
        ...(token !== undefined && { RACKSEED_TOKEN: token }),
      },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#started.push(child);
    return child;
  }

  async #run(
    where: Side | "machines",
    args: readonly string[],
    { token }: { token?: string } = {},
  ): Promise<Output> {
    const [command, rest] = this.#places[where].argv([this.#program, ...args]);
    const { code, stdout, stderr } = await new Deno.Command(command, {
      args: rest,
      env: token === undefined
        ? {}
        : { RACKSEED_SERVER: `https://${ADDRESS}:${PORT}`, RACKSEED_TOKEN: token },
      stdin: "null",
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
