/** A machine of QEMU with real firmware, the boot service beside it, and perhaps a DHCP server of somebody else. */
import { run } from "../../scripts/lab/command.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { type Firmware, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { Transcript } from "../../scripts/lab/transcript.ts";
import {
  bootServiceAddress,
  bootServiceAddress6,
  type BootServiceOptions,
  bootServiceReady,
  type ServedImage,
} from "./boot_service.ts";
import { agentReported, orderToken } from "./order_service.ts";
import { type ForeignServer, startForeignServer } from "./foreign_dhcp.ts";
import { NetworkNamespace } from "./netns.ts";

const service = new URL("boot_service.ts", import.meta.url).pathname;
const config = new URL("../../deno.json", import.meta.url).pathname;

/** The boot service in the network, and what it says. It ends when it is disposed of. */
export class BootServiceProcess implements AsyncDisposable {
  readonly output: Transcript;
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess, output: Transcript) {
    this.#process = process;
    this.output = output;
  }

  /** `log`: the file that its output is appended to. */
  static async start(
    network: LabNetwork,
    { log, options }: { log: string; options: Omit<BootServiceOptions, "interface"> },
  ): Promise<BootServiceProcess> {
    const argument = JSON.stringify({ ...options, interface: network.bridge } satisfies BootServiceOptions);
    const [program = "", ...args] = network.inside([
      ...[Deno.execPath(), "run", "--no-check", "-A", "--config", config, service, argument],
    ]);
    const process = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "inherit" })
      .spawn();
    const started = new BootServiceProcess(
      process,
      new Transcript(process.stdout, { name: "the boot services", log }),
    );
    await started.output.expect(bootServiceReady, { timeoutMs: 60_000 });
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await this.output.closed;
  }
}

interface NetbootMachine {
  readonly firmware: Firmware;
  /** UEFI: by HTTP boot instead of PXE. */
  readonly httpBoot?: boolean;
  /** It gives the addresses, and the boot service is a proxy beside it. */
  readonly beside?: ForeignServer;
  /** A network without IPv4. */
  readonly ipv6?: boolean;
  /** Kernel and initramfs with the product's agent. */
  readonly image: ServedImage;
  readonly folder: string;
}

const MAC = "52:54:00:78:00:09";
/** The whole way takes seconds on an idle machine. */
const BOOT_MS = 900_000;

/** Powers a machine without a disk on, until its agent reports to the server. */
export async function bootToReport(
  { firmware, httpBoot = false, beside, ipv6 = false, image, folder }: NetbootMachine,
): Promise<{
  readonly ms: number;
  /** What the boot service said in the meantime. */
  readonly said: string;
}> {
  const scratch = await Deno.makeTempDir({ dir: folder });
  await using network = await LabNetwork.create({
    address: ipv6 ? `${bootServiceAddress6}/64` : `${bootServiceAddress}/24`,
  });
  await using stack = new AsyncDisposableStack();
  if (beside !== undefined) await addForeignServer(beside, { network, stack, folder: scratch });
  const log = `${scratch}/services.log`;
  const { token } = await orderToken(scratch);
  await using services = await BootServiceProcess.start(network, {
    log,
    options: {
      transport: "http",
      secureBoot: false,
      dhcp: beside === undefined ? "server" : "proxy",
      tells: true,
      ...(ipv6 && { ipv6: { mac: await network.mac() } }),
      node: { armed: { image: "web@3", token } },
      images: { "web@3": image },
      orders: scratch,
    },
  });
  await using machine = await VirtualMachine.start({
    name: "node",
    firmware,
    httpBoot,
    ipv6,
    network,
    mac: MAC,
    disks: [],
    folder: scratch,
    serialLog: `${scratch}/serial.log`,
    memoryMiB: 1024,
    bootOrder: "network-first",
  });
  try {
    await services.output.expect(agentReported, { timeoutMs: BOOT_MS });
    return { ms: performance.now() - machine.startedMs, said: await Deno.readTextFile(log) };
  } catch (error) {
    throw new Error(`${machine.serial.tail()}\n${await Deno.readTextFile(log)}`, { cause: error });
  }
}

/** Another machine on the bridge, with 10.78.0.2, which gives addresses and knows nothing of booting. */
async function addForeignServer(
  server: ForeignServer,
  { network, stack, folder }: { network: LabNetwork; stack: AsyncDisposableStack; folder: string },
): Promise<void> {
  const namespace = stack.use(await NetworkNamespace.create("netboot-foreign"));
  const end = ["type", "veth", "peer", "name", "foreign", "netns", network.namespace];
  await run(["ip", "link", "add", "lan", "netns", namespace.name, ...end]);
  await run(["ip", "-n", network.namespace, "link", "set", "foreign", "master", network.bridge, "up"]);
  await namespace.ip(["address", "add", "10.78.0.2/24", "dev", "lan"]);
  await namespace.ip(["link", "set", "lan", "up"]);
  const pools = [{ prefix: "10.78.0" }];
  stack.use(await startForeignServer(server, { namespace, interface: "lan", pools, folder }));
}
