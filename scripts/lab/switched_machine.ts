/** A machine of the lab that is off until its BMC switches it on: each start is a QEMU process. */
import type { VirtualMachine, VmOptions } from "./qemu.ts";
import { withTimeout } from "./timeout.ts";

/** How its BMC behaves. */
interface SwitchOptions {
  /** The BMC keeps a boot override until it is changed; by default it is for one start (IPMI 2.0 §28.13). */
  readonly keepsOverride?: boolean;
  /** The BMC says that the machine is on, and starts nothing. */
  readonly lies?: boolean;
}

type StartMachine = (
  options: Pick<VmOptions, "bootOrder" | "noReboot" | "medium">,
) => Promise<VirtualMachine>;
type Boot = "network" | "disk" | "cd";

export class SwitchedMachine implements AsyncDisposable {
  /** The BMC's orders that change something, in their order. */
  readonly orders: string[] = [];
  /** When it was first switched on, in milliseconds of performance.now(). */
  startedMs: number | undefined;
  readonly #startMachine: StartMachine;
  readonly #options: SwitchOptions;
  readonly #first = Promise.withResolvers<VirtualMachine>();
  #boot: Boot = "disk";
  /** What is in its virtual drive. */
  #medium: string | undefined;
  #running: VirtualMachine | undefined;
  #saysOn = false;

  constructor(startMachine: StartMachine, options: SwitchOptions = {}) {
    this.#startMachine = startMachine;
    this.#options = options;
    this.#first.promise.catch(() => {}); // callers that wait get the error
  }

  /** Where it boots from at its next start. */
  get boot(): Boot {
    return this.#boot;
  }

  get isOn(): boolean {
    return this.#options.lies ? this.#saysOn : this.#running?.isRunning ?? false;
  }

  /** Waits until its BMC has switched it on for the first time. Its reboot ends QEMU. */
  async firstStart(
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<VirtualMachine> {
    return await withTimeout(this.#first.promise, { timeoutMs, what: "the BMC to switch it on", signal });
  }

  /** Starts it as its own reboot would have. */
  async startAgain(): Promise<VirtualMachine> {
    return await this.#start({ noReboot: false });
  }

  /** The answer to an order of its BMC; see bmc_orders.py. */
  async carryOut(order: string): Promise<string> {
    if (order === "status") return this.isOn ? "on" : "off";
    if (order === "boot") return this.#boot;
    this.orders.push(order);
    const [verb, ...rest] = order.split(" "), what = rest.join(" ");
    if (verb === "boot" && isBoot(what)) this.#boot = what;
    else if (verb === "insert") this.#medium = what;
    else if (order === "eject") this.#medium = undefined;
    else if (order === "on") await this.#switchOn();
    else if (order === "off") await this.#switchOff();
    else if (order === "shutdown") await this.#running?.pressPowerButton();
    else if (order === "reset") {
      await this.#switchOff();
      await this.#switchOn();
    } else throw new Error(`${order} is no order`);
    return "done";
  }

  async #switchOn(): Promise<void> {
    this.#saysOn = true;
    if (this.#options.lies || this.#running?.isRunning) return;
    this.startedMs ??= performance.now();
    try {
      this.#first.resolve(await this.#start({ noReboot: true }));
    } catch (error) {
      this.#first.reject(error);
      throw error;
    }
  }

  async #switchOff(): Promise<void> {
    this.#saysOn = false;
    await this.#running?.[Symbol.asyncDispose]();
    this.#running = undefined;
  }

  async #start({ noReboot }: { readonly noReboot: boolean }): Promise<VirtualMachine> {
    const bootOrder = this.#boot === "network" ? "network-first" : "disk-only";
    // QEMU's drive comes before the disks: it is there if the machine is to start from it
    const path = this.#boot === "cd" ? this.#medium : undefined;
    const medium = path === undefined ? undefined : { path, as: "cd" as const };
    if (!this.#options.keepsOverride) this.#boot = "disk";
    return this.#running = await this.#startMachine({ bootOrder, noReboot, medium });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#switchOff();
  }
}

function isBoot(text: string): text is Boot {
  return text === "network" || text === "disk" || text === "cd";
}
