/** A container image of the lab's Debian: an OCI image layout (image-layout.md 1.1) of two layers. */
import { createHash } from "node:crypto";
import { basename, dirname } from "node:path/posix";
import { run } from "./command.ts";
import { keptPackages } from "./debian.ts";
import { settings } from "./template_settings.ts";

interface ContainerOptions {
  /** The archive from `debianTree`, which becomes the lower layer as it is. */
  readonly tree: string;
  /** The folder to create. */
  readonly folder: string;
  /** CIDR, and an OpenSSH public key: see `settings`. */
  readonly address: string;
  readonly authorizedKey: string;
  /** Paths that the upper layer removes besides. */
  readonly without?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** A file of the lower layer that the upper one removes, as in OCI's layer.md, "Whiteouts". */
export const removed = {
  folder: dirname(keptPackages),
  name: keptPackages.slice(dirname(keptPackages).length + 1),
};

export async function writeContainerImage(options: ContainerOptions): Promise<void> {
  const { folder, tree, signal } = options;
  await Deno.mkdir(`${folder}/blobs/sha256`, { recursive: true });
  const upper = `${folder}/upper.tar`;
  await writeUpperLayer(upper, options);
  const lower = await addBlob(folder, await Deno.readFile(tree));
  const layers = [
    { mediaType: "application/vnd.oci.image.layer.v1.tar+zstd", ...lower },
    {
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      ...await addBlob(folder, await Deno.readFile(upper)),
    },
  ];
  await Deno.remove(upper);
  const unpacked = await run(["sh", "-ec", `zstd -qdc "$0" | sha256sum`, tree], { signal });
  const diff_ids = [`sha256:${unpacked.stdout.split(" ")[0]}`, layers[1]?.digest];
  const config = await addBlob(
    folder,
    bytesOf({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids } }),
  );
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await addBlob(
    folder,
    bytesOf({
      schemaVersion: 2,
      mediaType,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      layers,
    }),
  );
  await Deno.writeTextFile(`${folder}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const index = { schemaVersion: 2, manifests: [{ mediaType, ...manifest }] };
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify(index));
}

/** The machine's files and services, and no packages kept for later. */
async function writeUpperLayer(tar: string, options: ContainerOptions): Promise<void> {
  const root = `${tar}.tree`;
  for (const [path, { text, mode }] of settings({ firmware: "bios", ...options })) {
    await Deno.mkdir(dirname(`${root}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, text);
    await Deno.chmod(`${root}/${path}`, mode);
  }
  await Deno.chmod(`${root}/root/.ssh`, 0o700);
  await Deno.chmod(`${root}/root`, 0o700);
  const units = `${root}/etc/systemd/system`;
  for (
    const [target, unit] of [["sockets", "/etc/systemd/system/greet.socket"], [
      "multi-user",
      networkd,
    ]] as const
  ) {
    await Deno.mkdir(`${units}/${target}.target.wants`, { recursive: true });
    await Deno.symlink(unit, `${units}/${target}.target.wants/${unit.slice(unit.lastIndexOf("/") + 1)}`);
  }
  await Deno.mkdir(`${root}/${removed.folder}`, { recursive: true });
  await Deno.writeTextFile(`${root}/${removed.folder}/.wh.${removed.name}`, "");
  for (const path of options.without ?? []) {
    await Deno.mkdir(dirname(`${root}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${root}/${dirname(path)}/.wh.${basename(path)}`, "");
  }
  await run(["tar", "-C", root, "--numeric-owner", "-cf", tar, "."], options);
  await Deno.remove(root, { recursive: true });
}

const networkd = "/lib/systemd/system/systemd-networkd.service";

async function addBlob(
  folder: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<{ digest: string; size: number }> {
  const hash = createHash("sha256").update(bytes).digest("hex");
  await Deno.writeFile(`${folder}/blobs/sha256/${hash}`, bytes);
  return { digest: `sha256:${hash}`, size: bytes.length };
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
