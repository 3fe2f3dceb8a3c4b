/** A machine in QEMU with a disk of its own, in a network with the boot services and nobody else. */
import { LabNetwork } from "../../scripts/lab/network.ts";
import { ownDiskLine, writeOwnDisk } from "../../scripts/lab/own_disk.ts";
import { type Firmware, VirtualMachine, type VmOptions } from "../../scripts/lab/qemu.ts";
import { bootServiceAddress, type BootServiceOptions } from "./boot_service.ts";
import { BootServiceProcess } from "./netboot_lab.ts";

const TIMEOUT_MS = 300_000;

export const poweredMachineMac = "52:54:00:78:00:02";

interface PoweredMachineOptions extends Pick<VmOptions, "bootOrder" | "memoryMiB"> {
  readonly firmware: Firmware;
  /** The boot services' options. */
  readonly service: Omit<BootServiceOptions, "interface">;
  /** Where its files are made, in a folder of their own. */
  readonly folder: string;
}

export class PoweredMachine implements AsyncDisposable {
  readonly disk: string;
  readonly serialLog: string;
  readonly #stack: AsyncDisposableStack;
  readonly #machine: VirtualMachine;

  private constructor(made: {
    disk: string;
    serialLog: string;
    stack: AsyncDisposableStack;
    machine: VirtualMachine;
  }) {
    this.disk = made.disk;
    this.serialLog = made.serialLog;
    this.#stack = made.stack;
    this.#machine = made.machine;
  }

  /** `prepared` is called with the disk's path before the machine is switched on. */
  static async start(
    { firmware, folder, service: options, bootOrder, memoryMiB }: PoweredMachineOptions,
    { prepared }: { readonly prepared?: (disk: string) => Promise<void> } = {},
  ): Promise<PoweredMachine> {
    await using stack = new AsyncDisposableStack();
    const scratch = await Deno.makeTempDir({ dir: folder });
    stack.defer(() => Deno.remove(scratch, { recursive: true }));
    const network = stack.use(await LabNetwork.create({ address: `${bootServiceAddress}/24` }));
    const log = `${scratch}/services.log`;
    stack.use(await BootServiceProcess.start(network, { log, options }));
    const disk = `${scratch}/disk.img`, serialLog = `${scratch}/serial.log`;
    await writeOwnDisk(disk, { firmware });
    await prepared?.(disk);
    const machine = stack.use(
      await VirtualMachine.start({
        name: "node",
        firmware,
        network,
        mac: poweredMachineMac,
        disks: [{ path: disk, serial: "node-disk" }],
        folder: scratch,
        serialLog,
        memoryMiB,
        bootOrder,
      }),
    );
    return new PoweredMachine({ disk, serialLog, stack: stack.move(), machine });
  }

  /** Waits until it runs from its own disk. Milliseconds since power-on. */
  async reachesOwnDisk(): Promise<number> {
    return await this.prints(ownDiskLine);
  }

  /** Waits for a line on its serial console. Milliseconds since power-on. */
  async prints(line: string): Promise<number> {
    try {
      await this.#machine.serial.expect(line, { timeoutMs: TIMEOUT_MS });
    } catch (error) {
      throw new Error(this.#machine.serial.tail(), { cause: error });
    }
    return performance.now() - this.#machine.startedMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
