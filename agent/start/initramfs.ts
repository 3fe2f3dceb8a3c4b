/** The first seconds in the initramfs: proof that it is one, kernel file systems, drivers. */
import { messageOf } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";
import { mount } from "../sys/kernel.ts";
import { MS } from "../sys/mount.ts";
import { exists, firstLine, namesIn, textOf } from "../sys/small_file.ts";

/** Whether this process is PID 1 with the initramfs as root. Only then may it touch disks. */
export async function isInitramfs(): Promise<boolean> {
  const mounts = (await textOf("/proc/mounts") ?? "").split("\n").map((line) => line.split(" "));
  const type = mounts.find(([, target]) => target === "/")?.[2];
  return Deno.pid === 1 && type !== undefined && ["rootfs", "tmpfs", "ramfs"].includes(type);
}

const FILE_SYSTEMS = [
  { target: "/proc", type: "proc" },
  { target: "/sys", type: "sysfs" },
  { target: "/dev", type: "devtmpfs" },
  { target: "/dev/pts", type: "devpts" },
  // packs are kept in /run; the default limit of tmpfs, half of the memory, is too little for many images
  { target: "/run", type: "tmpfs", data: "mode=755,size=95%" },
  { target: "/tmp", type: "tmpfs", data: "mode=1777" },
] as const;

/** Mounts what /init has not mounted yet. Throws if the kernel refuses. */
export async function mountKernelFileSystems(): Promise<void> {
  for (const { target, type, ...rest } of FILE_SYSTEMS) {
    if (await isMounted(target)) continue;
    await Deno.mkdir(target, { recursive: true });
    mount({ source: type, target, type, flags: MS.NOSUID, ...rest });
  }
  // driver messages would overwrite the lines of the steps; dmesg has them
  await Deno.writeTextFile("/proc/sys/kernel/printk", "3").catch(() => {});
}

/** Call after loading drivers, since efivarfs may be a module. Returns what failed, as text. */
export async function mountFirmwareVariables(): Promise<string | undefined> {
  const target = "/sys/firmware/efi/efivars";
  if (!await exists(target) || await isMounted(target)) return undefined;
  try {
    mount({ source: "efivarfs", target, type: "efivarfs" });
    return undefined;
  } catch (error) {
    return `the firmware's variables are not accessible: ${messageOf(error)}`;
  }
}

async function isMounted(target: string): Promise<boolean> {
  return (await textOf("/proc/mounts") ?? "").split("\n").some((line) => line.split(" ")[1] === target);
}

/** File systems of media and templates, and the code pages that vfat requests by name. */
const MODULES = [
  "isofs",
  "ext4",
  "vfat",
  "xfs",
  "nls_cp437",
  "nls_ascii",
  "nls_iso8859-1",
  "nls_utf8",
  "efivarfs",
];
/**
 * Management controllers, which installing does not need: their driver waits long seconds for a controller that does not
 * answer.
 */
const LATER = /^(acpi:IPI|platform:(dmi-)?ipmi)/;
const IPMI = ["ipmi_si", "ipmi_devintf"];

const IPOIB = "ib_ipoib";

/** In a modalias: NICs on PCI (base class 2), of virtio and of Xen. */
const NETWORK = /^(?:pci:.*bc02|virtio:d00000001|xen:vif)/;

/** NICs, then everything else: links come up while drivers of storage, which may take long seconds, look for disks. */
export function networkFirst(aliases: readonly string[]): [nics: string[], others: string[]] {
  return [aliases.filter((alias) => NETWORK.test(alias)), aliases.filter((alias) => !NETWORK.test(alias))];
}

/** Drivers of the machine's devices, loaded as devices appear. */
export class Drivers {
  readonly #options: { readonly run: Run; readonly signal: AbortSignal };
  readonly #looked = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(options: { run: Run; signal: AbortSignal }) {
    this.#options = options;
  }

  /** How many kinds of device requested a driver. */
  get count(): number {
    return this.#asked.size;
  }

  /** File system drivers: no device requests them. */
  async loadFileSystems(): Promise<void> {
    await this.#modprobe(MODULES);
  }

  /** The driver of the management controller. */
  async loadIpmi(): Promise<void> {
    await this.#modprobe(IPMI);
  }

  /**
   * Loads drivers for devices that appeared since the last call. Returns whether there were any: the devices of a bus
   * appear a moment after its driver is loaded.
   */
  async load(): Promise<boolean> {
    const fresh = (await this.#modaliases()).filter((alias) => !this.#asked.has(alias));
    for (const alias of fresh) this.#asked.add(alias);
    for (const aliases of networkFirst(fresh)) {
      for (let i = 0; i < aliases.length; i += 100) await this.#modprobe(aliases.slice(i, i + 100));
    }
    // no device requests IP over InfiniBand: elsewhere a rule of udev loads it
    if (!this.#asked.has(IPOIB) && (await namesIn("/sys/class/infiniband")).length > 0) {
      this.#asked.add(IPOIB);
      await this.#modprobe([IPOIB]);
    }
    return fresh.length > 0;
  }

  async #modprobe(names: readonly string[]): Promise<void> {
    const { run, signal } = this.#options;
    // most devices have no module of their own, which is not a failure
    await run(["modprobe", "-a", "-b", "-q", ...names], { signal, accept: [0, 1], timeoutMs: 120_000 });
  }

  /** Of the devices that were not looked at before. */
  async #modaliases(): Promise<string[]> {
    const aliases = new Set<string>();
    for (const bus of await namesIn("/sys/bus")) {
      for (const name of await namesIn(`/sys/bus/${bus}/devices`)) {
        const device = `/sys/bus/${bus}/devices/${name}`;
        if (this.#looked.has(device)) continue;
        this.#looked.add(device);
        const alias = await firstLine(`${device}/modalias`);
        if (alias !== undefined && !LATER.test(alias)) aliases.add(alias);
      }
    }
    return [...aliases];
  }
}
