/**
 * A virtual machine that boots its own disks, without a way out: QEMU's network answers its DHCP, and lets nothing pass
 * but connections from this computer to the ports that are to be probed.
 */
import { Qmp, type QmpEvent } from "./qmp.ts";
import { pngOf } from "./png.ts";
import { consoleLog, findQemu, machineArguments, qemuFailed, type VirtualDisk } from "./qemu.ts";

interface BootOptions {
  readonly firmware: "bios" | "uefi";
  readonly disks: readonly VirtualDisk[];
  readonly mac: string;
  readonly memoryMiB: number;
  readonly emulate: boolean;
  /** Of the console's log, which is continued, and the firmware's variables. */
  readonly folder: string;
  /** TCP ports of the machine that are to be reached. */
  readonly ports: readonly number[];
}

export class BootedMachine implements AsyncDisposable {
  /** Resolves when the machine has ended, with why. */
  readonly ended: Promise<string>;
  /** How often the machine has restarted itself. */
  restarts = 0;
  readonly #child: Deno.ChildProcess;
  readonly #qmp: Qmp;
  readonly #folder: string;
  #reason: string | undefined;

  private constructor(child: Deno.ChildProcess, { folder }: Pick<BootOptions, "folder">) {
    this.#child = child;
    this.#folder = folder;
    this.#qmp = new Qmp(child, { onEvent: (event) => this.#note(event) });
    this.ended = this.#end();
    this.ended.catch(() => {});
  }

  /** Throws RackseedError. The machine has begun to boot. */
  static async start(options: BootOptions): Promise<BootedMachine> {
    const { folder } = options;
    const { program } = await findQemu();
    const args = await bootArguments(options);
    const machine = new BootedMachine(
      new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn(),
      { folder },
    );
    try {
      await machine.#qmp.execute("qmp_capabilities");
      return machine;
    } catch (error) {
      // QEMU says itself why it ended
      await machine.ended;
      throw error;
    }
  }

  /** The console's log. */
  get console(): string {
    return consoleLog(this.#folder);
  }

  /** Writes a PNG of the screen. */
  async screenshot(path: string): Promise<void> {
    const pixmap = `${this.#folder}/screen.ppm`, part = `${path}.part`;
    await this.#qmp.execute("screendump", { filename: pixmap });
    await Deno.writeFile(part, pngOf(await Deno.readFile(pixmap)));
    await Deno.rename(part, path);
    await Deno.remove(pixmap);
  }

  /** The local port that leads to this port of the machine. */
  async localPort(port: number): Promise<number | undefined> {
    return (await this.#connections()).find((one) => one.state === "HOST_FORWARD" && one.port === port)
      ?.localPort;
  }

  /** Whether the machine has accepted a connection to this port that is open now. */
  async hasAccepted(port: number): Promise<boolean> {
    return (await this.#connections()).some((one) => one.state === "ESTABLISHED" && one.port === port);
  }

  async #connections(): Promise<Connection[]> {
    return connectionsOf(await this.#qmp.ask("info usernet"));
  }

  #note({ event, data }: QmpEvent): void {
    if (event === "RESET" && data?.guest === true) this.restarts++;
    if (event === "SHUTDOWN" && data?.guest === true) this.#reason = "it switched itself off";
    if (event === "GUEST_PANICKED") this.#reason = "its kernel panicked";
  }

  async #end(): Promise<string> {
    const [{ code }, stderr] = await Promise.all([
      this.#child.status,
      new Response(this.#child.stderr).text(),
      this.#qmp.closed,
    ]);
    if (code !== 0) throw qemuFailed(stderr, { code, folder: this.#folder });
    return this.#reason ?? "QEMU ended";
  }

  /** Switches the machine off at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // it has ended already
      if (!(error instanceof TypeError)) throw error;
    }
    await this.ended.catch(() => {});
  }
}

async function bootArguments(options: BootOptions): Promise<string[]> {
  const { mac, ports } = options;
  const forwards = [...new Set(ports)].map((port) => `,hostfwd=tcp:127.0.0.1:0-:${port}`).join("");
  return [
    ...await machineArguments(options),
    ...["-device", "VGA", "-chardev", "stdio,id=qmp", "-mon", "chardev=qmp,mode=control"],
    // restrict: nothing leaves QEMU's network, not even to this computer
    ...["-netdev", `user,id=net,restrict=on${forwards}`],
    ...["-device", `virtio-net-pci,netdev=net,mac=${mac},romfile=`],
  ];
}

interface Connection {
  readonly state: string;
  readonly localPort: number;
  /** Of the machine. */
  readonly port: number;
}

/**
 * The TCP connections out of "info usernet" (QEMU net/slirp.c; libslirp misc.c, slirp_connection_info): protocol and
 * state, descriptor, source address and port, destination address and port, queues.
 */
export function connectionsOf(table: string): Connection[] {
  return [...table.matchAll(/TCP\[(\w+)\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)\s/g)].map(
    ([, state = "", local, port]) => ({ state, localPort: Number(local), port: Number(port) }),
  );
}
