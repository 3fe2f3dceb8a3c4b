/** The machine's first seconds: is this the initramfs at all, its kernel file systems, its drivers. */
import { messageOf } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";
import { mount } from "../sys/kernel.ts";
import { MS } from "../sys/mount.ts";
import { exists, firstLine, namesIn, textOf } from "../sys/small_file.ts";

/** Whether this process is the first of a machine whose root is still the initramfs: nothing else may touch disks. */
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
  // packs lie in /run: half of the memory, tmpfs's own limit, would be too little for many an image
  { target: "/run", type: "tmpfs", data: "mode=755,size=95%" },
  { target: "/tmp", type: "tmpfs", data: "mode=1777" },
] as const;

/** Mounts what /init has not mounted yet. Throws where the kernel refuses. */
export async function mountKernelFileSystems(): Promise<void> {
  for (const { target, type, ...rest } of FILE_SYSTEMS) {
    if (await isMounted(target)) continue;
    await Deno.mkdir(target, { recursive: true });
    mount({ source: type, target, type, flags: MS.NOSUID, ...rest });
  }
  // messages of drivers would run over the lines of the steps; dmesg has them
  await Deno.writeTextFile("/proc/sys/kernel/printk", "3").catch(() => {});
}

/** After the drivers, since efivarfs may be a module. Returns what failed, in words. */
export async function mountFirmwareVariables(): Promise<string | undefined> {
  const target = "/sys/firmware/efi/efivars";
  if (!await exists(target) || await isMounted(target)) return undefined;
  try {
    mount({ source: "efivarfs", target, type: "efivarfs" });
    return undefined;
  } catch (error) {
    return `the firmware's variables cannot be reached: ${messageOf(error)}`;
  }
}

async function isMounted(target: string): Promise<boolean> {
  return (await textOf("/proc/mounts") ?? "").split("\n").some((line) => line.split(" ")[1] === target);
}

/** File systems of templates, and code pages that vfat asks for by name. */
const MODULES = ["ext4", "vfat", "xfs", "nls_cp437", "nls_ascii", "nls_iso8859-1", "nls_utf8", "efivarfs"];

/** Drivers of the machine's devices: loaded as devices come to light. */
export class Drivers {
  readonly #options: { readonly run: Run; readonly signal: AbortSignal };
  readonly #looked = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(options: { run: Run; signal: AbortSignal }) {
    this.#options = options;
  }

  /** How many kinds of device asked for one. */
  get count(): number {
    return this.#asked.size;
  }

  /** Those of file systems: no device asks for them. */
  async loadFileSystems(): Promise<void> {
    await this.#modprobe(MODULES);
  }

  /**
   * Loads a driver for every device that has come to light since the last call, and tells whether there was any: a
   * driver of a bus makes its devices appear a moment later.
   */
  async load(): Promise<boolean> {
    const fresh = (await this.#modaliases()).filter((alias) => !this.#asked.has(alias));
    for (const alias of fresh) this.#asked.add(alias);
    for (let i = 0; i < fresh.length; i += 100) await this.#modprobe(fresh.slice(i, i + 100));
    return fresh.length > 0;
  }

  async #modprobe(names: readonly string[]): Promise<void> {
    const { run, signal } = this.#options;
    // most devices have no module of their own: that is no failure
    await run(["modprobe", "-a", "-b", "-q", ...names], { signal, accept: [0, 1], timeoutMs: 120_000 });
  }

  /** Of all devices that were not looked at before. */
  async #modaliases(): Promise<string[]> {
    const aliases = new Set<string>();
    for (const bus of await namesIn("/sys/bus")) {
      for (const name of await namesIn(`/sys/bus/${bus}/devices`)) {
        const device = `/sys/bus/${bus}/devices/${name}`;
        if (this.#looked.has(device)) continue;
        this.#looked.add(device);
        const alias = await firstLine(`${device}/modalias`);
        if (alias !== undefined) aliases.add(alias);
      }
    }
    return [...aliases];
  }
}
