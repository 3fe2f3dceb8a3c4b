/**
 * Installs an empty virtual machine with a version, by the same steps as a real node. The node that stands for it at the
 * server is removed at the end; its disks stay.
 */
import { type Architecture, architectureOf } from "#contract/architectures.ts";
import type { NodeSettings, NodeView, VersionView } from "#contract/api.ts";
import { type Problem, RackseedError } from "#contract/errors.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { rolesOf } from "#plan/roles.ts";
import { kernelParameters } from "../../boot/menu/kernel.ts";
import { GUEST_NETWORK, runMachine, type VirtualDisk } from "./qemu.ts";

const POLL_MS = 1000;

/** The server that installs the machine: this process's own, or one that is asked by its API. */
export interface InstallSite {
  /** As the machine reaches it: "https://10.0.0.1:8443". */
  readonly server: string;
  addNode(name: string, settings: NodeSettings): Promise<void>;
  /** Arms the node with the version; returns its boot token. */
  arm(name: string, image: string): Promise<string>;
  node(name: string): Promise<NodeView>;
  /** Cancels what is ordered, and removes the node. Never throws. */
  removeNode(name: string): Promise<void>;
  /** Writes "vmlinuz" or "initramfs" of the version to `path`. */
  bootFile(image: string, options: { file: string; path: string }): Promise<void>;
}

interface Installation {
  readonly site: InstallSite;
  readonly version: VersionView;
  /** As `systemDisks` has them. */
  readonly disks: readonly VirtualDisk[];
  /** A new one. */
  readonly name: string;
  readonly hostname: string;
  readonly mac: string;
  readonly memoryMiB: number;
  readonly emulate: boolean;
  /** For boot files, the firmware's variables and the console's log. */
  readonly folder: string;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Of qemu.ts's machines. */
const VM_ARCHITECTURE: Architecture = "x86_64";

/** The version's layout and firmware. Throws RackseedError if no virtual machine can be installed with it from there. */
export function proveInstallable(
  { layout, source, bootable }: VersionView,
  { title, server }: { title: string; server: string },
): { layout: DiskLayout; firmware: "bios" | "uefi" } {
  if (layout === undefined || source === undefined || !bootable) {
    throw new RackseedError(title, {
      reason: "it cannot boot machines: `rackseed image show` says why.",
      remedy: "export it as a tar, or capture a running machine.",
      status: 409,
    });
  }
  if (architectureOf(source.architecture) !== VM_ARCHITECTURE) {
    throw new RackseedError(title, {
      reason: `it is for ${source.architecture} machines, and the server's virtual machines are x86-64.`,
      remedy: "export it as a tar, or deploy it to a machine of its own architecture.",
      status: 409,
    });
  }
  const { hostname } = new URL(server);
  if (/^(localhost|127\.|\[::1\])/.test(hostname)) {
    throw new RackseedError(title, {
      reason: `a virtual machine cannot reach the server at ${hostname}.`,
      remedy: "let the server listen on an address of its network, and give that as --server.",
      status: 409,
    });
  }
  return { layout, firmware: source.firmware };
}

/** The disks that hold the system, which the machine gets. */
export function systemDisks(layout: DiskLayout): readonly DiskLayout["disks"][number][] {
  const roles = rolesOf(layout);
  return layout.disks.filter((_, number) => roles[number] === "system");
}

/** Four random bytes in hexadecimal, for the names of a machine. */
export function randomName(): string {
  return crypto.getRandomValues(new Uint8Array(4)).toHex();
}

/** A locally administered address with QEMU's prefix. */
export function macOf(random: string): string {
  return `52:54:00:${random.slice(0, 6).replace(/(..)(?=.)/g, "$1:")}`;
}

/** The installer says why the version cannot be installed. */
export class InstallationFailed extends RackseedError {}

/** Throws RackseedError, and leaves no node at the server. */
export async function installDisks(options: Installation): Promise<void> {
  const { site, version, mac, folder, signal } = options;
  const { firmware } = proveInstallable(version, { title: titleOf(version), server: site.server });
  const ref = `${version.image}@${version.version}`;
  await using node = await TemporaryNode.make(options);
  const [kernel, initramfs] = await Promise.all(["vmlinuz", "initramfs"].map(async (file) => {
    const path = `${folder}/${file}`;
    await site.bootFile(ref, { file, path });
    return path;
  })) as [string, string];
  signal.throwIfAborted();
  const boot = { server: site.server, token: node.token, image: ref, mac, architecture: VM_ARCHITECTURE };
  const parameters = kernelParameters(boot, GUEST_NETWORK);
  await node.whileInstalling((stop) =>
    runMachine({ ...options, firmware, kernel, initramfs, parameters, signal: stop })
  );
}

function titleOf({ image, version }: VersionView): string {
  return `cannot install a virtual machine with ${image}@${version}`;
}

function failureOf({ title, detail: reason, remedy, status }: Problem): InstallationFailed {
  return new InstallationFailed(title, { reason, remedy, status });
}

/** The node that the virtual machine is at the server. */
class TemporaryNode implements AsyncDisposable {
  readonly token: string;
  readonly #options: Installation;

  private constructor(options: Installation, token: string) {
    this.#options = options;
    this.token = token;
  }

  static async make(options: Installation): Promise<TemporaryNode> {
    const { site, version, name, mac, hostname, disks } = options;
    await site.addNode(name, {
      mac,
      hostname,
      address: "dhcp",
      disks: disks.map(({ serial }) => `/dev/disk/by-id/virtio-${serial}`),
    });
    try {
      return new TemporaryNode(options, await site.arm(name, `${version.image}@${version.version}`));
    } catch (error) {
      await site.removeNode(name);
      throw error;
    }
  }

  /** Runs the machine to its reboot, and proves that it was installed. `run` gets a signal that a failure aborts. */
  async whileInstalling(run: (stop: AbortSignal) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const { signal, version } = this.#options;
    const watch = this.#watch(stop);
    try {
      await run(AbortSignal.any([signal, stop.signal]));
    } finally {
      const ended = new Error("the machine has ended");
      if (!stop.signal.aborted) stop.abort(ended);
      await watch;
    }
    const { state, report } = await this.#view();
    if (state === "installed" || state === "running") return;
    throw new InstallationFailed(titleOf(version), {
      reason: `the virtual machine ended in the step "${report?.step ?? "network"}".`,
      remedy: "see `rackseed node show` for nodes of this image; try --emulate.",
    });
  }

  /** Reports its steps, and ends the machine if it stays at a failure. */
  async #watch(stop: AbortController): Promise<void> {
    while (!stop.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      let view: NodeView;
      try {
        view = await this.#view();
      } catch (error) {
        // its node was removed
        stop.abort(error);
        return;
      }
      const { state, report } = view;
      if (report) this.#options.onProgress(`${report.step}${report.message ? `: ${report.message}` : ""}`);
      if (state === "failed" && report?.problem) stop.abort(failureOf(report.problem));
    }
  }

  async #view(): Promise<NodeView> {
    return await this.#options.site.node(this.#options.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.site.removeNode(this.#options.name);
  }
}
