/**
 * One blob's upload in chunks (OCI Distribution Specification 1.1, "Pushing a blob in chunks"). The registry keeps what
 * it got of an upload that did not end, so that a later one in this process goes on there.
 */
import type { Repository } from "#contract/registry_reference.ts";
import { pause } from "../connections/outgoing.ts";
import { RegistryError, registryFault } from "./registry_error.ts";
import { drop, type RegistryRequests } from "./registry_requests.ts";

/** Held in memory. */
const CHUNK_BYTES = 16 << 20;
const MAX_CHUNK_BYTES = 256 << 20;
/** How often an upload may fail without getting further. */
const ATTEMPTS = 4;
const WAIT_MS = 1000;

export interface Blob {
  /** "sha256:…" */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly path: string;
}

interface Session {
  /** Where the next chunk goes; the registry changes it with every answer. */
  readonly url: URL;
  /** Bytes that the registry has. */
  readonly at: number;
  readonly chunkBytes: number;
}

interface UploadOptions extends Repository {
  readonly title: string;
  readonly signal: AbortSignal;
  /** Repositories of this registry that may have the blob already. */
  readonly mountFrom: readonly string[];
  /** Called with the number of bytes that the registry has now. */
  readonly onProgress: (bytes: number) => void;
}

export class BlobUploads {
  readonly #requests: RegistryRequests;
  /** Uploads that did not end, by repository and digest. */
  readonly #unfinished = new Map<string, Session>();

  constructor(requests: RegistryRequests) {
    this.#requests = requests;
  }

  /** Returns whether any bytes had to be sent. Throws RegistryError. */
  async upload(blob: Blob, options: UploadOptions): Promise<boolean> {
    const { onProgress, mountFrom } = options;
    if (await this.#isThere(blob, options)) return false;
    const key = `${options.registry}/${options.repository}@${blob.digest}`;
    let session = await this.#resumed(key, options);
    for (const from of mountFrom) {
      if (session !== undefined) break;
      const begun = await this.#begin(options, { mount: blob.digest, from });
      if (begun === "mounted") return false;
      session = begun;
    }
    for (let failures = 0;;) {
      session ??= await this.#begin(options) as Session;
      this.#unfinished.set(key, session);
      onProgress(session.at);
      try {
        if (session.at < blob.sizeBytes) {
          session = await this.#sendChunk(blob, { ...options, session });
          failures = 0;
          continue;
        }
        await this.#end(blob, { ...options, session });
        this.#unfinished.delete(key);
        return true;
      } catch (error) {
        if (registryFault(error) !== "unreachable" || ++failures === ATTEMPTS) throw error;
        await pause(WAIT_MS * 2 ** failures * (0.5 + Math.random()), options.signal);
        // the answer may have been lost, not the request
        if (await this.#isThere(blob, options)) return true;
        session = await this.#resumed(key, options);
      }
    }
  }

  async #isThere({ digest, sizeBytes }: Blob, options: UploadOptions): Promise<boolean> {
    const answer = await this.#requests.send({ method: "HEAD", to: `blobs/${digest}`, writes: true }, {
      ...options,
      expected: [200, 404],
    });
    await drop(answer);
    if (answer.status === 404) return false;
    const length = answer.headers.get("content-length");
    if (length === null || Number(length) === sizeBytes) return true;
    throw new RegistryError(options.title, {
      fault: "corrupt",
      reason: `it has ${digest} with ${length} bytes instead of ${sizeBytes}.`,
    });
  }

  async #begin(
    options: UploadOptions,
    mount?: { readonly mount: string; readonly from: string },
  ): Promise<Session | "mounted"> {
    const query = mount === undefined ? "" : `?${new URLSearchParams({ ...mount })}`;
    const answer = await this.#requests.send(
      { method: "POST", to: `blobs/uploads/${query}`, writes: true, from: mount?.from },
      { ...options, expected: [201, 202] },
    );
    await drop(answer);
    if (answer.status === 201) return "mounted";
    const least = Number(answer.headers.get("oci-chunk-min-length") ?? 0);
    const chunkBytes = Math.min(MAX_CHUNK_BYTES, Math.max(CHUNK_BYTES, least || 0));
    return { url: await this.#requests.uploadUrl(answer, options), at: 0, chunkBytes };
  }

  /** Where an upload stands that did not end; undefined if there is none, or the registry has dropped it. */
  async #resumed(key: string, options: UploadOptions): Promise<Session | undefined> {
    const known = this.#unfinished.get(key);
    if (known === undefined) return undefined;
    this.#unfinished.delete(key);
    try {
      const answer = await this.#requests.send({ method: "GET", to: known.url, writes: true }, {
        ...options,
        expected: [204],
      });
      await drop(answer);
      return { ...known, url: await this.#requests.uploadUrl(answer, options), at: bytesIn(answer) };
    } catch (error) {
      const fault = registryFault(error);
      // one that was cut within a chunk cannot be continued everywhere
      if (fault === "missing" || fault === "refused" || fault === "corrupt") return undefined;
      this.#unfinished.set(key, known);
      throw error;
    }
  }

  async #sendChunk(
    { path, sizeBytes }: Blob,
    { session: { url, at, chunkBytes }, ...options }: UploadOptions & { session: Session },
  ): Promise<Session> {
    const body = readAt(path, { at, length: Math.min(chunkBytes, sizeBytes - at) });
    const end = at + body.length;
    const answer = await this.#requests.once({
      method: "PATCH",
      to: url,
      headers: {
        "content-type": "application/octet-stream",
        "content-range": `${at}-${end - 1}`,
      },
      body,
      writes: true,
    }, { ...options, expected: [202] });
    await drop(answer);
    const has = answer.headers.has("range") ? bytesIn(answer) : end;
    if (has <= at || has > end) {
      const reason = `it took bytes ${at} to ${end - 1} of ${path}, and says that it has ${has}.`;
      throw new RegistryError(options.title, { fault: "nonsense", reason });
    }
    return { url: await this.#requests.uploadUrl(answer, options), at: has, chunkBytes };
  }

  /** The registry compares the digest with what it has. */
  async #end(
    { digest }: Blob,
    { session: { url }, ...options }: UploadOptions & { session: Session },
  ): Promise<void> {
    const to = new URL(url);
    to.searchParams.set("digest", digest);
    await drop(
      await this.#requests.once({ method: "PUT", to, body: new Uint8Array(), writes: true }, {
        ...options,
        expected: [201],
      }),
    );
  }
}

/** Of "Range: 0-N". Registries answer 0-0 for nothing at all, as for one byte. */
function bytesIn(answer: Response): number {
  const [, last] = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.headers.get("range") ?? "") ?? [];
  return last === undefined || last === "0" ? 0 : Number(last) + 1;
}

function readAt(path: string, { at, length }: { at: number; length: number }): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  file.seekSync(at, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let got = 0; got < length;) {
    const read = file.readSync(bytes.subarray(got));
    if (read === null) throw new Error(`${path} is shorter than it should be`);
    got += read;
  }
  return bytes;
}
