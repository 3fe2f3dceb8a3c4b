/**
 * Finds the layers of a container image: an OCI image layout (image-layout.md, version 1.1) or what `docker save` wrote
 * before it followed that.
 */
import { ARCHITECTURES } from "#contract/architectures.ts";
import { z } from "zod";
import { type Blobs, jsonIn, sha256Of } from "./blob_store.ts";

/** A layer, lowest first. */
export interface Layer {
  /** In the archive. */
  readonly name: string;
  /** "sha256:…" of the file as it is stored, or of the tar in it. */
  readonly digest: string;
  readonly digestOf: "stored" | "unpacked";
}

export interface ContainerImage {
  readonly layers: readonly Layer[];
  readonly architecture: string;
}

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "a digest that is not SHA-256");
const Descriptor = z.object({
  mediaType: z.string(),
  digest: Digest,
  urls: z.array(z.string()).optional(),
  platform: z.object({ os: z.string(), architecture: z.string() }).loose().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
type Descriptor = z.infer<typeof Descriptor>;
const Index = z.object({ manifests: z.array(Descriptor).max(1000) });
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor).max(1000) });
const Config = z.object({
  architecture: z.string(),
  os: z.string(),
  rootfs: z.object({ diff_ids: z.array(Digest).max(1000) }),
});
const DockerArchive = z.array(z.object({
  Config: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Layers: z.array(z.string()).max(1000),
})).max(1000);

/** "amd64", as container images name Deno's architectures. */
const ARCHITECTURE = ARCHITECTURES[Deno.build.arch].debian;

/** Throws RangeError, SyntaxError or ZodError if the files are not an image for this architecture, or several. */
export async function findContainerImage(blobs: Blobs): Promise<ContainerImage> {
  if (await blobs.has("index.json")) {
    return await fromManifest(
      blobs,
      await chooseManifest(blobs, Index.parse(await jsonIn(blobs, "index.json"))),
    );
  }
  const [image, ...others] = DockerArchive.parse(await jsonIn(blobs, "manifest.json"));
  if (image === undefined || others.length > 0) {
    throw new RangeError(`it holds ${others.length + (image ? 1 : 0)} images: save one alone`);
  }
  const config = proven(Config.parse(await jsonIn(blobs, image.Config)));
  return layersOf(config, image.Layers);
}

/** An index may lead to others, of one image for several platforms. */
async function chooseManifest(blobs: Blobs, index: z.infer<typeof Index>, depth = 0): Promise<Descriptor> {
  const fitting = index.manifests.filter(({ platform, mediaType }) =>
    /manifest|index/.test(mediaType) &&
    (platform === undefined || (platform.os === "linux" && platform.architecture === ARCHITECTURE))
  );
  const [only, ...others] = fitting;
  if (only === undefined) throw new RangeError(`it has no image for linux/${ARCHITECTURE}`);
  if (others.length > 0) {
    const names = fitting.map(({ annotations, digest }) =>
      annotations?.["org.opencontainers.image.ref.name"] ?? digest
    );
    throw new RangeError(`it holds ${fitting.length} images (${names.join(", ")}): save one alone`);
  }
  if (!/index|manifest\.list/.test(only.mediaType)) return only;
  if (depth > 4) throw new RangeError("its indexes are nested too deep");
  return await chooseManifest(blobs, Index.parse(await verifiedJson(blobs, only.digest)), depth + 1);
}

async function fromManifest(blobs: Blobs, { digest }: Descriptor): Promise<ContainerImage> {
  const { config, layers } = Manifest.parse(await verifiedJson(blobs, digest));
  const { architecture } = proven(Config.parse(await verifiedJson(blobs, config.digest)));
  return {
    architecture,
    layers: layers.map(({ digest, mediaType, urls }) => {
      if (/encrypted/.test(mediaType)) throw new RangeError("its layers are encrypted: decrypt it first");
      if (urls?.length) throw new RangeError(`the layer ${digest} is not in it, but elsewhere (${urls[0]})`);
      return { name: blobName(digest), digest, digestOf: "stored" };
    }),
  };
}

function layersOf(
  { architecture, rootfs: { diff_ids } }: z.infer<typeof Config>,
  names: readonly string[],
): ContainerImage {
  if (names.length !== diff_ids.length) throw new RangeError("its configuration names other layers");
  const layers = names.map((name, i): Layer => ({ name, digest: diff_ids[i] ?? "", digestOf: "unpacked" }));
  return { architecture, layers };
}

function proven(config: z.infer<typeof Config>): z.infer<typeof Config> {
  if (config.os === "linux" && config.architecture === ARCHITECTURE) return config;
  throw new RangeError(`it is for ${config.os}/${config.architecture}, not for linux/${ARCHITECTURE}`);
}

const blobName = (digest: string) => `blobs/${digest.replace(":", "/")}`;

async function verifiedJson(blobs: Blobs, digest: string): Promise<unknown> {
  const name = blobName(digest);
  {
    using blob = await blobs.open(name);
    const found = await sha256Of(blob, { unpacked: false, signal: new AbortController().signal });
    if (`sha256:${found}` !== digest) throw new RangeError(`${name} is damaged: its SHA-256 is ${found}`);
  }
  return await jsonIn(blobs, name);
}
