/**
 * Writes a version as disk images: an empty virtual machine is installed with it, by the same steps as a real node, and
 * its disks are the result. The node that stands for it at the server is removed at the end.
 */
import { DeployAnswer, NodeView, VersionView } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import type { DiskExport, ExportedDisks } from "#contract/disk_export.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { rolesOf } from "#plan/roles.ts";
import { kernelParameters } from "../../boot/menu/kernel.ts";
import { GUEST_NETWORK, runMachine, type VirtualDisk } from "./qemu.ts";

const POLL_MS = 1000;

/** Throws RackseedError, and leaves no file behind. */
export async function exportDisk(options: DiskExport): Promise<ExportedDisks> {
  const { client, image, output, signal } = options;
  const version = await client.get(`/images/${image}`, VersionView, { signal });
  const { layout, firmware } = proveBootable(version, options);
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "rackseed-export-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const roles = rolesOf(layout), systemDisks = layout.disks.filter((_, number) => roles[number] === "system");
  const disks = systemDisks.map((disk, number): VirtualDisk & { final: string; sizeBytes: number } => {
    const final = number === 0 ? output : numbered(output, number);
    const sizeBytes = Math.max(disk.sizeBytes, number === 0 ? options.sizeBytes ?? 0 : 0);
    const { format } = options, { sectorBytes } = disk;
    return { path: `${final}.part`, final, format, sectorBytes, sizeBytes, serial: `rackseed-disk${number}` };
  });
  for (const disk of disks) {
    await createDisk(disk, options);
    // after the rename there is nothing to remove
    stack.defer(() => Deno.remove(disk.path).catch(() => {}));
  }
  const ref = `${version.image}@${version.version}`;
  const node = await TemporaryNode.make(client, { ...options, disks, ref });
  stack.use(node);
  const [kernel, initramfs] = await Promise.all(["vmlinuz", "initramfs"].map(async (file) => {
    const { body } = await client.send("GET", `/images/${ref}/boot/${file}`, { signal });
    await Deno.writeFile(`${folder}/${file}`, body ?? new Uint8Array());
    return `${folder}/${file}`;
  })) as [string, string];
  const boot = { server: client.server.origin, token: node.token, image: ref, mac: node.mac };
  const parameters = kernelParameters(boot, GUEST_NETWORK);
  await node.whileInstalling((stop) =>
    runMachine({
      ...options,
      firmware,
      kernel,
      initramfs,
      parameters,
      mac: node.mac,
      disks,
      folder,
      signal: stop,
    })
  );
  for (const { path, final } of disks) await Deno.rename(path, final);
  return { files: disks.map(({ final }) => final), mac: node.mac };
}

function proveBootable(
  { layout, source, bootable }: VersionView,
  { image, client }: DiskExport,
): { layout: DiskLayout; firmware: "bios" | "uefi" } {
  const title = `cannot export ${image} as a disk`;
  if (layout === undefined || source === undefined || !bootable) {
    throw new RackseedError(title, {
      reason: "it cannot boot machines: `rackseed image show` says why.",
      remedy: "export it as a tar, or capture a running machine.",
      status: 409,
    });
  }
  if (/^(localhost|127\.|\[::1\])/.test(client.server.hostname)) {
    throw new RackseedError(title, {
      reason: `a virtual machine cannot reach the server at ${client.server.hostname}.`,
      remedy: "give --server with an address of the server's network.",
      status: 400,
    });
  }
  return { layout, firmware: source.firmware };
}

/** "web.qcow2" and 1: "web.1.qcow2" */
function numbered(path: string, number: number): string {
  const dot = path.lastIndexOf(".");
  const at = dot > path.lastIndexOf("/") + 1 ? dot : path.length;
  return `${path.slice(0, at)}.${number}${path.slice(at)}`;
}

async function createDisk(
  { path, format, sizeBytes }: VirtualDisk & { sizeBytes: number },
  { image, signal }: DiskExport,
): Promise<void> {
  const title = `cannot create the disk ${path} for ${image}`;
  try {
    if (format === "raw") {
      await Deno.writeFile(path, new Uint8Array());
      return await Deno.truncate(path, sizeBytes);
    }
    const args = ["create", "-q", "-f", format, path, String(sizeBytes)];
    const { code, stderr } = await new Deno.Command("qemu-img", { args, signal }).output();
    if (code === 0) return;
    throw new Error(new TextDecoder().decode(stderr).trim());
  } catch (error) {
    signal.throwIfAborted();
    throw new RackseedError(title, {
      reason: messageOf(error),
      remedy: "check the folder and its free space, and install qemu-utils for qcow2.",
      cause: error,
    });
  }
}

/** The node that the virtual machine is at the server. */
class TemporaryNode implements AsyncDisposable {
  readonly token: string;
  readonly mac: string;
  readonly #name: string;
  readonly #options: DiskExport;

  private constructor(options: DiskExport, made: { name: string; mac: string; token: string }) {
    this.#options = options;
    this.#name = made.name;
    this.mac = made.mac;
    this.token = made.token;
  }

  static async make(
    client: ApiClient,
    { disks, ref, ...options }: DiskExport & { disks: readonly VirtualDisk[]; ref: string },
  ): Promise<TemporaryNode> {
    const { signal, hostname = ref.replace(/@.*/, "") } = options;
    const random = crypto.getRandomValues(new Uint8Array(4)).toHex();
    const name = `export-${random}`;
    const { mac = `52:54:00:${random.slice(0, 6).replace(/(..)(?=.)/g, "$1:")}` } = options;
    const settings = {
      mac,
      hostname,
      address: "dhcp",
      disks: disks.map(({ serial }) => `/dev/disk/by-id/virtio-${serial}`),
    };
    await client.put(`/nodes/${name}`, { body: settings, schema: NodeView, signal });
    try {
      const body = { nodes: [name], image: ref, seed: { mode: "none" }, force: true, identity: "assign" };
      const { nodes: [ordered] } = await client.post("/deployments", { body, schema: DeployAnswer, signal });
      return new TemporaryNode(options, { name, mac, token: ordered?.token ?? "" });
    } catch (error) {
      await client.send("DELETE", `/nodes/${name}`).catch(() => {});
      throw error;
    }
  }

  /** Runs the machine to its reboot, and proves that it was installed. `run` gets a signal that a failure aborts. */
  async whileInstalling(run: (stop: AbortSignal) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const { signal } = this.#options;
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
    throw new RackseedError(`cannot export ${this.#options.image} as a disk`, {
      reason: `the virtual machine ended in the step "${report?.step ?? "network"}".`,
      remedy: "see `rackseed node show` for nodes of this image; try --emulate.",
    });
  }

  /** Reports its steps, and ends the machine if it stays at a failure. */
  async #watch(stop: AbortController): Promise<void> {
    while (!stop.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const { state, report } = await this.#view();
      if (report) this.#options.onProgress(`${report.step}${report.message ? `: ${report.message}` : ""}`);
      if (state === "failed" && report?.problem) stop.abort(RackseedError.fromProblem(report.problem));
    }
  }

  async #view(): Promise<NodeView> {
    return await this.#options.client.get(`/nodes/${this.#name}`, NodeView);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { client } = this.#options;
    await client.send("POST", `/nodes/${this.#name}/cancel`).catch(() => {});
    await client.send("DELETE", `/nodes/${this.#name}`).catch(() => {});
  }
}
