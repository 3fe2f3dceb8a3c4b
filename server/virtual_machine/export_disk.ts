/** Writes a version as disk images: the disks of a virtual machine that was installed with it. */
import { DeployAnswer, NodeView, VersionView } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import type { DiskExport, ExportedDisks } from "#contract/disk_export.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import {
  installDisks,
  type InstallSite,
  macOf,
  proveInstallable,
  randomName,
  systemDisks,
} from "./install_disks.ts";
import type { VirtualDisk } from "./qemu.ts";

/** Throws RackseedError, and leaves no file behind. */
export async function exportDisk(options: DiskExport): Promise<ExportedDisks> {
  const { client, image, output, signal } = options;
  const version = await client.get(`/images/${image}`, VersionView, { signal });
  const site = siteOf(client, signal);
  const { layout } = proveInstallable(version, {
    title: `cannot export ${image} as a disk`,
    server: site.server,
  });
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "rackseed-export-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const disks = systemDisks(layout).map(
    (disk, number): VirtualDisk & { final: string; sizeBytes: number } => {
      const final = number === 0 ? output : numbered(output, number);
      const sizeBytes = Math.max(disk.sizeBytes, number === 0 ? options.sizeBytes ?? 0 : 0);
      const { format } = options, { sectorBytes } = disk;
      return {
        path: `${final}.part`,
        final,
        format,
        sectorBytes,
        sizeBytes,
        serial: `rackseed-disk${number}`,
      };
    },
  );
  for (const disk of disks) {
    await createDisk(disk, options);
    // after the rename there is nothing to remove
    stack.defer(() => Deno.remove(disk.path).catch(() => {}));
  }
  const random = randomName();
  const { mac = macOf(random), hostname = version.image, memoryMiB, emulate, onProgress } = options;
  await installDisks({
    site,
    version,
    disks,
    name: `export-${random}`,
    hostname,
    mac,
    memoryMiB,
    emulate,
    folder,
    onProgress,
    signal,
  });
  for (const { path, final } of disks) await Deno.rename(path, final);
  return { files: disks.map(({ final }) => final), mac };
}

function siteOf(client: ApiClient, signal: AbortSignal): InstallSite {
  return {
    server: client.server.origin,
    async addNode(name, body) {
      await client.put(`/nodes/${name}`, { body, schema: NodeView, signal });
    },
    async arm(name, image) {
      const body = { nodes: [name], image, seed: { mode: "none" }, force: true, identity: "assign" };
      const { nodes: [ordered] } = await client.post("/deployments", { body, schema: DeployAnswer, signal });
      return ordered?.token ?? "";
    },
    node: (name) => client.get(`/nodes/${name}`, NodeView),
    async removeNode(name) {
      await client.send("POST", `/nodes/${name}/cancel`).catch(() => {});
      await client.send("DELETE", `/nodes/${name}`).catch(() => {});
    },
    async bootFile(image, { file, path }) {
      const { body } = await client.send("GET", `/images/${image}/boot/${file}`, { signal });
      await Deno.writeFile(path, body ?? new Uint8Array());
    },
  };
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
