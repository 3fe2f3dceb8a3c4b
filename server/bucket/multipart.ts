/**
 * One file's upload in parts ("Multipart upload", Amazon S3 User Guide). The server keeps the parts of an upload that
 * did not end, so a later process sends only what is missing. A part travels with its SHA-256 in the signature, and its
 * ETag is the MD5 of what the server has.
 */
import { createHash } from "node:crypto";
import { BucketError, DamagedFile, faultOf } from "./bucket_error.ts";
import type { UploadProgress } from "./object_store.ts";
import type { BucketRequests } from "./request.ts";
import { elementsOf, textOf } from "./xml.ts";

/** Two parts at a time are held in memory. S3 takes 5 MiB to 5 GiB, and 10 000 parts of one object. */
const PART_BYTES = 16 << 20;
const PARALLEL = 2;

interface Part {
  readonly number: number;
  readonly at: number;
  readonly sizeBytes: number;
}

interface StoredPart {
  readonly etag: string;
  readonly sizeBytes: number;
}

interface Sent {
  readonly md5: string;
  readonly etag: string;
}

export class MultipartUpload {
  readonly #requests: BucketRequests;
  readonly #key: string;
  readonly #path: string;
  readonly #sha256: string;
  readonly #title: string;
  readonly #signal: AbortSignal;

  constructor(
    requests: BucketRequests,
    { key, path, sha256, title, signal }: {
      key: string;
      path: string;
      sha256: string;
      title: string;
      signal: AbortSignal;
    },
  ) {
    this.#sha256 = sha256;
    this.#requests = requests;
    this.#key = key;
    this.#path = path;
    this.#title = title;
    this.#signal = signal;
  }

  /** `isProved`: by its ETags the object has the file's bytes. Throws BucketError. */
  async run({ resume, onBegin }: {
    resume: UploadProgress | undefined;
    onBegin: (progress: UploadProgress) => void;
  }): Promise<{ isProved: boolean; sizeBytes: number }> {
    const { size: sizeBytes } = await Deno.stat(this.#path);
    const parts = partsOf(sizeBytes);
    let uploadId = resume?.uploadId, stored = new Map<number, StoredPart>();
    if (uploadId !== undefined) {
      // a lifecycle rule may have dropped it
      const found = await this.#storedParts(uploadId);
      if (found === undefined) uploadId = undefined;
      else stored = found;
    }
    if (uploadId === undefined) {
      uploadId = await this.#begin();
      onBegin({ uploadId });
    }
    const { sent, sha256 } = await this.#sendAll(parts, { uploadId, stored });
    if (sha256 !== this.#sha256) {
      throw new DamagedFile(`${this.#path} is not what it was: its SHA-256 is ${sha256}`);
    }
    const etag = await this.#complete(uploadId, sent);
    const whole = createHash("md5");
    for (const { md5 } of sent) whole.update(md5, "hex");
    const isProved = sent.every((part) => part.etag === part.md5) &&
      etag === `${whole.digest("hex")}-${sent.length}`;
    return { isProved, sizeBytes };
  }

  async #request(
    method: "GET" | "POST" | "PUT",
    { query, headers = {}, body }: {
      query: Record<string, string>;
      headers?: Record<string, string>;
      body?: Uint8Array<ArrayBuffer>;
    },
  ) {
    return await this.#requests.text(
      { method, key: this.#key, query, headers, body },
      { title: this.#title, signal: this.#signal },
    );
  }

  async #begin(): Promise<string> {
    const { text } = await this.#request("POST", { query: { uploads: "" } });
    return textOf(text, "UploadId") || this.#nonsense("it began an upload without naming it");
  }

  /** Undefined if the server no longer knows the upload. */
  async #storedParts(uploadId: string): Promise<Map<number, StoredPart> | undefined> {
    const parts = new Map<number, StoredPart>();
    try {
      for (let marker: string | undefined = "0"; marker !== undefined;) {
        const { text } = await this.#request("GET", { query: { "part-number-marker": marker, uploadId } });
        for (const part of elementsOf(text, "Part")) {
          const etag = bare(textOf(part, "ETag") ?? "");
          parts.set(Number(textOf(part, "PartNumber")), { etag, sizeBytes: Number(textOf(part, "Size")) });
        }
        const next = textOf(text, "IsTruncated") === "true"
          ? textOf(text, "NextPartNumberMarker")
          : undefined;
        marker = next === marker ? undefined : next;
      }
      return parts;
    } catch (error) {
      if (faultOf(error) === "missing") return undefined;
      throw error;
    }
  }

  async #sendAll(
    parts: readonly Part[],
    { uploadId, stored }: { uploadId: string; stored: ReadonlyMap<number, StoredPart> },
  ): Promise<{ sent: Sent[]; sha256: string }> {
    using file = await Deno.open(this.#path);
    const sent: Sent[] = [];
    const next = parts.values(), whole = createHash("sha256");
    const work = async () => {
      const buffer = new Uint8Array(Math.min(PART_BYTES, parts[0]?.sizeBytes ?? 0));
      for (const part of next) {
        // a file has one position, so reads must not overlap
        const bytes = buffer.subarray(0, part.sizeBytes);
        readAt(file, part.at, bytes, this.#path);
        // in order, because a part is read in the same turn in which it is taken
        whole.update(bytes);
        const md5 = createHash("md5").update(bytes).digest("hex");
        const there = stored.get(part.number);
        const isThere = there?.etag === md5 && there.sizeBytes === part.sizeBytes;
        sent[part.number - 1] = isThere
          ? { md5, etag: md5 }
          : { md5, etag: await this.#send(part, { uploadId, bytes, md5 }) };
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    return { sent, sha256: whole.digest("hex") };
  }

  async #send(
    { number }: Part,
    { uploadId, bytes, md5 }: { uploadId: string; bytes: Uint8Array<ArrayBuffer>; md5: string },
  ): Promise<string> {
    const { headers } = await this.#request("PUT", {
      query: { partNumber: String(number), uploadId },
      headers: { "content-md5": Buffer.from(md5, "hex").toString("base64") },
      body: bytes,
    });
    return bare(headers.get("etag") ?? this.#nonsense("it took a part without naming its ETag"));
  }

  async #complete(uploadId: string, sent: readonly Sent[]): Promise<string> {
    const rows = sent.map(({ etag }, i) =>
      `<Part><PartNumber>${i + 1}</PartNumber><ETag>&quot;${etag}&quot;</ETag></Part>`
    );
    const body = new TextEncoder().encode(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${
        rows.join("")
      }</CompleteMultipartUpload>`,
    );
    const { text } = await this.#request("POST", { query: { uploadId }, body });
    // 200 may still be followed by an error, if joining the parts took long
    const code = textOf(text, "Code");
    if (code !== undefined || !text.includes("<CompleteMultipartUploadResult")) {
      const reason = `it did not join the parts: ${code ?? "it did not say why"}.`;
      throw new BucketError(this.#title, { fault: "unreachable", reason, code });
    }
    return bare(textOf(text, "ETag") ?? "");
  }

  #nonsense(what: string): never {
    throw new BucketError(this.#title, { fault: "nonsense", reason: `${what}.` });
  }
}

/** An empty file has one empty part. */
function partsOf(sizeBytes: number): Part[] {
  const count = Math.max(1, Math.ceil(sizeBytes / PART_BYTES));
  return Array.from({ length: count }, (_, i) => {
    const at = i * PART_BYTES;
    return { number: i + 1, at, sizeBytes: Math.min(PART_BYTES, sizeBytes - at) };
  });
}

function readAt(file: Deno.FsFile, at: number, into: Uint8Array, path: string): void {
  file.seekSync(at, Deno.SeekMode.Start);
  for (let got = 0; got < into.length;) {
    const read = file.readSync(into.subarray(got));
    if (read === null) throw new Error(`${path} became shorter while it was read`);
    got += read;
  }
}

/** Without its quotes. */
function bare(etag: string): string {
  return etag.replace(/^"|"$/g, "").toLowerCase();
}
