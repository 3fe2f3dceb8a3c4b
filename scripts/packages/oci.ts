/**
 * An OCI image, as the directory layout of the OCI image specification v1.1 (image-layout.md, manifest.md, config.md)
 * in one tar: what podman, docker load and skopeo read. Of another system it holds only the shared libraries that the
 * program loads.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import { type FileSource, resolveFile } from "../../boot/initramfs/file_source.ts";
import { findLibraries } from "../../boot/initramfs/libraries.ts";
import type { PackageOptions } from "./deb.ts";
import { file, type PackageFile } from "./package_files.ts";
import { tarOf } from "./tar_file.ts";

const TYPE = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};
const PROGRAM = "/usr/bin/rackseed";
/** Loaded by name, for speed (server/native), kernel modules and BMCs; each of them may be missing. */
const LOADED_BY_NAME = ["libcrypto.so.3", "libssl.so.3", "libzstd.so.1", "liblzma.so.5"];

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Writes OUTPUT. */
export async function writeOciImage(
  files: readonly PackageFile[],
  { version, epoch, output }: Omit<PackageOptions, "scratch">,
): Promise<void> {
  const blobs = new Map<string, Uint8Array>();
  const add = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const sha256 = hashOf(bytes);
    blobs.set(sha256, bytes);
    return { mediaType, digest: `sha256:${sha256}`, size: bytes.length };
  };
  const made = new Date(epoch * 1000).toISOString();
  const product = files.filter(({ path }) => path === PROGRAM);
  // libraries change less often than the program: a layer of their own is fetched once
  const layers = [
    tarOf(await systemFiles(product), { epoch, open: ["/tmp"] }),
    tarOf(product, { epoch }),
  ];
  const manifest = {
    schemaVersion: 2,
    mediaType: TYPE.manifest,
    config: add(TYPE.config, json(configOf({ made, version, layers }))),
    layers: layers.map((layer) => add(TYPE.layer, new Uint8Array(gzipSync(layer, { level: 6 })))),
  };
  const index = {
    schemaVersion: 2,
    mediaType: TYPE.index,
    manifests: [{
      ...add(TYPE.manifest, json(manifest)),
      annotations: { "org.opencontainers.image.ref.name": version },
    }],
  };
  const layout: PackageFile[] = [
    ...[...blobs].sort(([a], [b]) => a < b ? -1 : 1).map(([sha256, content]) => ({
      path: `/blobs/sha256/${sha256}`,
      mode: 0o644,
      content,
    })),
    { path: "/index.json", mode: 0o644, content: json(index) },
    file("/oci-layout", '{"imageLayoutVersion":"1.0.0"}\n'),
  ];
  await Deno.writeFile(output, tarOf(layout, { epoch }));
}

function configOf(
  { made, version, layers }: { made: string; version: string; layers: readonly Uint8Array[] },
): unknown {
  return {
    created: made,
    architecture: "amd64",
    os: "linux",
    config: {
      Entrypoint: [PROGRAM],
      Cmd: ["server"],
      Env: ["PATH=/usr/bin", "HOME=/tmp"],
      Volumes: { "/var/lib/rackseed": {} },
      StopSignal: "SIGTERM",
      Labels: { "org.opencontainers.image.title": "rackseed", "org.opencontainers.image.version": version },
    },
    // RootFS: the hashes of the layers before they are compressed
    rootfs: { type: "layers", diff_ids: layers.map((layer) => `sha256:${hashOf(layer)}`) },
    history: layers.map(() => ({ created: made, created_by: "rackseed" })),
  };
}

/** The dynamic loader and the libraries that the program runs with, and the few files that programs expect. */
async function systemFiles(product: readonly PackageFile[]): Promise<PackageFile[]> {
  const source = await directorySource("/");
  const programs = product.flatMap(({ content }) => content instanceof Uint8Array ? [] : [content.from]);
  const loaded = await Promise.all(
    LOADED_BY_NAME.map((name) => resolveFile(source, `/usr/lib/x86_64-linux-gnu/${name}`)),
  );
  const named = loaded.filter((path) => path !== undefined);
  const { libraries, interpreters, missing } = await findLibraries(source, [...programs, ...named]);
  if (missing.size > 0) throw new Error(`this machine lacks ${[...missing].join(", ")}`);
  const byName = [...libraries, ...named.map((path, i) => [LOADED_BY_NAME[i] as string, path] as const)];
  const entries = [
    ...byName.map(([name, from]) => ({ path: `/lib/x86_64-linux-gnu/${baseName(name)}`, from })),
    ...[...interpreters].map((path) => ({ path, from: path })),
  ];
  const unique = new Map(entries.map((entry) => [entry.path, entry.from]));
  const copied = await Promise.all([...unique].map(([path, from]) => copyOf(source, { path, from })));
  return [
    ...copied,
    file("/etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\n"),
    file("/etc/group", "root:x:0:\n"),
    file("/etc/nsswitch.conf", "hosts: files dns\n"),
  ];
}

async function copyOf(
  source: FileSource,
  { path, from }: { path: string; from: string },
): Promise<PackageFile> {
  const found = await resolveFile(source, from);
  if (found === undefined) throw new Error(`there is no ${from}`);
  return { path, mode: 0o755, content: await source.read(found) };
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
