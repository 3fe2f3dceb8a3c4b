/** A bucket of an S3 server. */
import { createHash } from "node:crypto";
import { BucketError } from "./bucket_error.ts";
import { MultipartUpload } from "./multipart.ts";
import type { ObjectStore, StoredObject, UploadProgress } from "./object_store.ts";
import { type BucketAddress, BucketRequests, flowing } from "./request.ts";
import type { Credentials } from "./signature.ts";
import { elementsOf, textOf } from "./xml.ts";

export class S3Bucket implements ObjectStore, Disposable {
  readonly url: string;
  readonly #requests: BucketRequests;
  readonly #prefix: string;

  constructor(
    address: BucketAddress,
    access: { credentials: () => Credentials; caPem?: string | undefined },
  ) {
    this.url = `s3://${address.bucket}/${address.prefix}`.replace(/\/$/, "");
    this.#prefix = address.prefix;
    this.#requests = new BucketRequests(address, access);
  }

  [Symbol.dispose](): void {
    this.#requests[Symbol.dispose]();
  }

  async upload(
    key: string,
    { path, sha256, resume, onBegin, signal }: Parameters<ObjectStore["upload"]>[1],
  ): Promise<void> {
    const title = `cannot store ${key} in ${this.url}`;
    const upload = new MultipartUpload(this.#requests, { key, path, sha256, title, signal });
    const { isProved, sizeBytes } = await upload.run({ resume, onBegin });
    // an ETag that is no MD5, as of encrypted objects, proves nothing
    if (!isProved) await this.#read(key, { sizeBytes, sha256, signal, onBytes: () => {} });
  }

  async download(
    key: string,
    { path, signal, ...facts }: Parameters<ObjectStore["download"]>[1],
  ): Promise<void> {
    using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
    const onBytes = async (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    };
    await this.#read(key, { ...facts, signal, onBytes });
    await file.sync();
  }

  /** Reads an object whole and checks it. */
  async #read(key: string, { sizeBytes, sha256, signal, onBytes }: {
    sizeBytes: number;
    sha256: string;
    signal: AbortSignal;
    onBytes: (bytes: Uint8Array) => void | Promise<void>;
  }): Promise<void> {
    const title = `cannot read ${key} of ${this.url}`;
    const corrupt = (reason: string) => new BucketError(title, { fault: "corrupt", reason });
    const response = await this.#requests.open({ method: "GET", key }, { title, signal });
    const hash = createHash("sha256");
    let got = 0;
    for await (const bytes of flowing(response, { title, signal })) {
      got += bytes.length;
      if (got > sizeBytes) throw corrupt(`it has more than the ${sizeBytes} bytes that were stored.`);
      hash.update(bytes);
      await onBytes(bytes);
    }
    if (got < sizeBytes) throw corrupt(`${got} bytes came instead of ${sizeBytes}.`);
    if (hash.digest("hex") !== sha256) throw corrupt("its bytes are not those that were stored.");
  }

  async *list(below: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
    const title = `cannot list ${this.url}`;
    for (let after: string | undefined = ""; after !== undefined;) {
      const query: Record<string, string> = {
        "list-type": "2",
        prefix: this.#prefix + below,
        ...(after !== "" && { "continuation-token": after }),
      };
      const { text } = await this.#requests.text({ method: "GET", key: "", query }, { title, signal });
      if (!text.includes("<ListBucketResult")) {
        throw new BucketError(title, { fault: "nonsense", reason: "its answer is not a list of objects." });
      }
      for (const object of elementsOf(text, "Contents")) {
        const key = textOf(object, "Key"), size = textOf(object, "Size");
        if (key === undefined || size === undefined || !/^\d{1,15}$/.test(size)) {
          throw new BucketError(title, {
            fault: "nonsense",
            reason: "it lists an object without key or size.",
          });
        }
        if (key.startsWith(this.#prefix)) {
          yield { key: key.slice(this.#prefix.length), sizeBytes: Number(size) };
        }
      }
      const next = textOf(text, "IsTruncated") === "true" ? textOf(text, "NextContinuationToken") : undefined;
      if (next !== undefined && next === after) {
        throw new BucketError(title, { fault: "nonsense", reason: "its list does not end." });
      }
      after = next;
    }
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    const title = `cannot remove ${key} from ${this.url}`;
    await this.#ifThere(() => this.#requests.text({ method: "DELETE", key }, { title, signal }), "NoSuchKey");
  }

  async abandon(key: string, { uploadId, signal }: UploadProgress & { signal: AbortSignal }): Promise<void> {
    const title = `cannot drop the upload of ${key} to ${this.url}`;
    await this.#ifThere(
      () => this.#requests.text({ method: "DELETE", key, query: { uploadId } }, { title, signal }),
      "NoSuchUpload",
    );
  }

  async #ifThere(work: () => Promise<unknown>, code: string): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isGone = error instanceof BucketError && error.fault === "missing" &&
        (error.code === undefined || error.code === code);
      if (!isGone) throw error;
    }
  }

  urlOf(key: string, seconds: number): string {
    return this.#requests.presign(key, seconds);
  }
}
