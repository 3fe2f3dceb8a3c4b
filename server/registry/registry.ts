/** Blobs, manifests and referrers of OCI registries. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Repository } from "#contract/registry_reference.ts";
import { pause, shortBody, steadyBody } from "../connections/outgoing.ts";
import { type Blob, BlobUploads } from "./blob_upload.ts";
import { RegistryError, registryFault } from "./registry_error.ts";
import { drop, type RegistryAccess, RegistryRequests } from "./registry_requests.ts";

export const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
/** What registries accept at least ("Pushing Manifests"). */
const MAX_MANIFEST_BYTES = 4 << 20;
const ATTEMPTS = 4;
const WAIT_MS = 1000;

/** Image specification 1.1, "OCI Content Descriptors". */
export const Descriptor = z.looseObject({
  mediaType: z.string().max(255),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.int().min(0),
  artifactType: z.string().max(255).optional(),
});
export type Descriptor = z.infer<typeof Descriptor>;

const Index = z.looseObject({ manifests: z.array(Descriptor).max(10_000) });

interface StoredManifest {
  readonly digest: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Task extends Repository {
  /** What is being done, for errors. */
  readonly title: string;
  readonly signal: AbortSignal;
}

export class Registry implements Disposable {
  readonly requests: RegistryRequests;
  readonly #uploads: BlobUploads;

  constructor(access: RegistryAccess) {
    this.requests = new RegistryRequests(access);
    this.#uploads = new BlobUploads(this.requests);
  }

  [Symbol.dispose](): void {
    this.requests[Symbol.dispose]();
  }

  /** Uploads a file, and returns whether bytes had to be sent. `mountFrom`, `onProgress`: as of BlobUploads. */
  async upload(
    blob: Blob,
    options: Task & { mountFrom: readonly string[]; onProgress: (bytes: number) => void },
  ): Promise<boolean> {
    return await this.#uploads.upload(blob, options);
  }

  /** Uploads a few bytes, unless they are there. */
  async uploadBytes(bytes: Uint8Array<ArrayBuffer>, task: Task): Promise<void> {
    const digest = digestOf(bytes);
    const head = await this.requests.send({ method: "HEAD", to: `blobs/${digest}`, writes: true }, {
      ...task,
      expected: [200, 404],
    });
    await drop(head);
    if (head.status === 200) return;
    const begun = await this.requests.send({ method: "POST", to: "blobs/uploads/", writes: true }, {
      ...task,
      expected: [202],
    });
    await drop(begun);
    const to = await this.requests.uploadUrl(begun, task);
    to.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream" };
    await drop(
      await this.requests.once({ method: "PUT", to, headers, body: bytes, writes: true }, {
        ...task,
        expected: [201],
      }),
    );
  }

  /** Stores a manifest by tag or digest. Returns whether the registry noted its subject by itself. */
  async putManifest(
    reference: string,
    { bytes, mediaType, ...task }: Task & { bytes: Uint8Array<ArrayBuffer>; mediaType: string },
  ): Promise<boolean> {
    const answer = await this.requests.send({
      method: "PUT",
      to: `manifests/${reference}`,
      headers: { "content-type": mediaType },
      body: bytes,
      writes: true,
    }, { ...task, expected: [201] });
    await drop(answer);
    return answer.headers.has("oci-subject");
  }

  /** Undefined if there is none. Throws RegistryError ("corrupt") if `reference` is a digest that it does not have. */
  async getManifest(reference: string, task: Task): Promise<StoredManifest | undefined> {
    const answer = await this.requests.send({
      method: "GET",
      to: `manifests/${reference}`,
      headers: { accept: `${MANIFEST}, ${INDEX}` },
    }, { ...task, expected: [200, 404] });
    if (answer.status === 404) {
      await drop(answer);
      return undefined;
    }
    const bytes = await this.#short(answer, { maxBytes: MAX_MANIFEST_BYTES, ...task });
    const digest = digestOf(bytes);
    if (reference.startsWith("sha256:") && reference !== digest) throw corrupt(task.title, reference);
    return { digest, bytes };
  }

  /** A blob of a few bytes. Throws RegistryError. */
  async downloadBytes(
    { digest, size }: Pick<Descriptor, "digest" | "size">,
    task: Task & { maxBytes: number },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.requests.send({ method: "GET", to: `blobs/${digest}` }, {
      ...task,
      expected: [200],
    });
    const bytes = await this.#short(answer, task);
    if (bytes.length !== size || digestOf(bytes) !== digest) throw corrupt(task.title, digest);
    return bytes;
  }

  /** Downloads a blob to a file, and goes on with what is in the file. Throws RegistryError unless its digest matches. */
  async download(
    { digest, sizeBytes, path }: Blob,
    { onProgress, ...task }: Task & { onProgress: (bytes: number) => void },
  ): Promise<void> {
    using file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
    const hash = createHash("sha256");
    let at = await hashed(file, { hash, maxBytes: sizeBytes });
    await file.truncate(at);
    for (let failures = 0; at < sizeBytes;) {
      onProgress(at);
      const before = at;
      try {
        for await (const bytes of this.#range({ digest, sizeBytes, at }, task)) {
          hash.update(bytes);
          for (let n = 0; n < bytes.length;) n += await file.write(bytes.subarray(n));
          at += bytes.length;
          onProgress(at);
        }
      } catch (error) {
        failures = at > before ? 1 : failures + 1;
        if (registryFault(error) !== "unreachable" || failures === ATTEMPTS) throw error;
        await pause(WAIT_MS * 2 ** failures * (0.5 + Math.random()), task.signal);
      }
    }
    if (`sha256:${hash.digest("hex")}` !== digest) {
      await file.truncate(0);
      throw corrupt(task.title, digest);
    }
    await file.sync();
  }

  /** The blob from `at` on. */
  async *#range(
    { digest, sizeBytes, at }: { digest: string; sizeBytes: number; at: number },
    task: Task,
  ): AsyncGenerator<Uint8Array> {
    const headers: Record<string, string> = at === 0 ? {} : { range: `bytes=${at}-${sizeBytes - 1}` };
    const answer = await this.requests.once({ method: "GET", to: `blobs/${digest}`, headers }, {
      ...task,
      expected: [200, 206],
    });
    // a registry without ranges sends all of it again
    let skip = answer.status === 206 ? 0 : at, left = sizeBytes - at;
    const isOther = answer.status === 206 && !answer.headers.get("content-range")?.startsWith(`bytes ${at}-`);
    if (isOther) {
      await drop(answer);
      throw corrupt(task.title, digest);
    }
    try {
      for await (const bytes of steadyBody(answer, task.signal)) {
        const rest = bytes.subarray(Math.min(skip, bytes.length));
        skip -= bytes.length - rest.length;
        left -= rest.length;
        if (left < 0) throw corrupt(task.title, digest);
        if (rest.length > 0) yield rest;
      }
    } catch (error) {
      task.signal.throwIfAborted();
      throw registryFault(error) === undefined ? cut(task, error) : error;
    }
    if (left > 0) throw cut(task, new Error(`${left} bytes are missing`));
  }

  /** Manifests that name this one as their subject ("Listing Referrers"). */
  async referrers(digest: string, task: Task & { artifactType: string }): Promise<Descriptor[]> {
    const answer = await this.requests.send({
      method: "GET",
      to: `referrers/${digest}`,
      headers: { accept: INDEX },
    }, { ...task, expected: [200, 400, 404, 405] });
    let bytes: Uint8Array | undefined;
    if (answer.status === 200) bytes = await this.#short(answer, { maxBytes: MAX_MANIFEST_BYTES, ...task });
    else {
      await drop(answer);
      bytes = (await this.getManifest(referrersTag(digest), task))?.bytes;
    }
    return manifestsIn(bytes).filter(({ artifactType }) => artifactType === task.artifactType);
  }

  /** Adds a referrer for registries that do not list them ("Referrers Tag Schema"). */
  async listReferrer(
    subject: string,
    { descriptor, ...task }: Task & { descriptor: Descriptor },
  ): Promise<void> {
    const tag = referrersTag(subject);
    const others = manifestsIn((await this.getManifest(tag, task))?.bytes)
      .filter(({ digest }) => digest !== descriptor.digest);
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: [...others, descriptor] };
    const bytes = new TextEncoder().encode(JSON.stringify(index));
    await this.putManifest(tag, { ...task, bytes, mediaType: INDEX });
  }

  async #short(
    answer: Response,
    { maxBytes, title, signal }: { maxBytes: number; title: string; signal: AbortSignal },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await shortBody(answer, { maxBytes, signal });
    if (bytes !== undefined) return bytes;
    throw new RegistryError(title, { fault: "nonsense", reason: `it sends more than ${maxBytes} bytes.` });
  }
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function manifestsIn(bytes: Uint8Array | undefined): Descriptor[] {
  try {
    return Index.parse(JSON.parse(new TextDecoder().decode(bytes))).manifests;
  } catch {
    return [];
  }
}

function referrersTag(digest: string): string {
  return digest.replace(":", "-");
}

function corrupt(title: string, digest: string): RegistryError {
  return new RegistryError(title, { fault: "corrupt", reason: `it sends other bytes than ${digest}.` });
}

function cut({ title, registry }: Task, cause: unknown): RegistryError {
  const reason = `${registry} stopped in the middle: ${cause instanceof Error ? cause.message : cause}.`;
  return new RegistryError(title, { fault: "unreachable", reason, cause });
}

/** Hashes what a file has; returns its length, or 0 if it has more than it may. */
async function hashed(
  file: Deno.FsFile,
  { hash, maxBytes }: { hash: ReturnType<typeof createHash>; maxBytes: number },
): Promise<number> {
  const { size } = await file.stat();
  if (size > maxBytes) return 0;
  const buffer = new Uint8Array(1 << 20);
  for (let n; (n = await file.read(buffer)) !== null;) hash.update(buffer.subarray(0, n));
  return size;
}
