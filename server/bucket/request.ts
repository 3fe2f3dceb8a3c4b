/** Signed requests to one bucket: sent again while the server is in trouble, and told apart when they fail. */
import { fetchFailure, fetchInTime, retrying, shortBody, steadyBody } from "../connections/outgoing.ts";
import { BucketError, type BucketFault, faultOf } from "./bucket_error.ts";
import { type Credentials, encode, encodePath, presign, sha256Hex, signHeaders } from "./signature.ts";
import { textOf } from "./xml.ts";

export interface BucketAddress {
  /** Of the server: "https://s3.example:9000". */
  readonly endpoint: URL;
  readonly region: string;
  readonly bucket: string;
  /** "images/", or empty. */
  readonly prefix: string;
  /** Whether the bucket is part of the path, or of the host name. */
  readonly addressing: "path" | "host";
}

/** What is signed and sent. `query`: unencoded. */
interface BucketRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** "" for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
}

/** Within it the answer's headers must come; 16 MiB at 1 Mbit/s take 134 s. */
const ANSWER_MS = { short: 30_000, withBody: 180_000 };
const MAX_TEXT_BYTES = 4 << 20;

export class BucketRequests {
  readonly #address: BucketAddress;
  readonly #credentials: () => Credentials;
  readonly #http: Deno.HttpClient;

  constructor(
    address: BucketAddress,
    { credentials, caPem }: { credentials: () => Credentials; caPem?: string | undefined },
  ) {
    this.#address = address;
    this.#credentials = credentials;
    this.#http = Deno.createHttpClient({ ...(caPem !== undefined && { caCerts: [caPem] }), http2: false });
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  /** A signed URL for anyone. */
  presign(key: string, seconds: number): string {
    const { region } = this.#address;
    return presign(this.#url(key), { credentials: this.#credentials(), region, date: new Date(), seconds })
      .href;
  }

  /** The answer's text. Throws BucketError. */
  async text(request: BucketRequest, { title, signal }: { title: string; signal: AbortSignal }) {
    return await this.#retrying(title, signal, async () => {
      const response = await this.#send(request, { title, signal });
      return { text: await textIn(response, { title, signal }), headers: response.headers };
    });
  }

  /** The answer, whose body is still to be read. Throws BucketError. */
  async open(request: BucketRequest, { title, signal }: { title: string; signal: AbortSignal }) {
    return await this.#retrying(title, signal, () => this.#send(request, { title, signal }));
  }

  async #retrying<T>(title: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const told = () =>
      work().catch((error) => {
        signal.throwIfAborted();
        throw error instanceof BucketError ? error : unreachable(title, error);
      });
    return await retrying(told, { isPassing: (error) => faultOf(error) === "unreachable", signal });
  }

  async #send(request: BucketRequest, { title, signal }: { title: string; signal: AbortSignal }) {
    const { method, key, query = {}, headers = {}, body } = request;
    const url = this.#url(key);
    url.search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
    const payloadSha256 = sha256Hex(body ?? new Uint8Array());
    const terms = { credentials: this.#credentials(), region: this.#address.region, date: new Date() };
    const response = await fetchInTime(url, {
      answerMs: body === undefined ? ANSWER_MS.short : ANSWER_MS.withBody,
      method,
      headers: signHeaders({ method, url, headers, payloadSha256 }, terms),
      ...(body !== undefined && { body }),
      redirect: "manual",
      client: this.#http,
      signal,
    });
    if (response.ok) return response;
    const text = method === "HEAD" ? "" : await textIn(response, { title, signal }).catch(() => "");
    await response.body?.cancel().catch(() => {});
    throw failureOf(title, {
      status: response.status,
      text,
      region: response.headers.get("x-amz-bucket-region"),
    });
  }

  #url(key: string): URL {
    const { endpoint, bucket, prefix, addressing } = this.#address;
    const url = new URL(endpoint);
    const path = key === "" ? "" : `${prefix}${key}`;
    if (addressing === "host") url.hostname = `${bucket}.${url.hostname}`;
    const base = url.pathname.replace(/\/$/, "");
    url.pathname = addressing === "host"
      ? `${base}/${encodePath(path)}`
      : `${base}/${bucket}${path && "/"}${encodePath(path)}`;
    return url;
  }
}

/** Yields the body, and gives up if nothing comes for a while. Throws BucketError. */
export async function* flowing(
  response: Response,
  { title, signal }: { title: string; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  try {
    yield* steadyBody(response, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(title, error);
  }
}

async function textIn(response: Response, { title, signal }: { title: string; signal: AbortSignal }) {
  const bytes = await shortBody(response, { maxBytes: MAX_TEXT_BYTES, signal });
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  throw new BucketError(title, { fault: "nonsense", reason: "its answer does not end." });
}

function unreachable(title: string, cause: unknown): BucketError {
  return new BucketError(title, { fault: "unreachable", reason: `${fetchFailure(cause)}.`, cause });
}

/** Codes as in "Error responses" of the Amazon S3 API Reference. */
const CODES: Readonly<Record<string, BucketFault>> = {
  NoSuchKey: "missing",
  NoSuchBucket: "missing",
  NoSuchUpload: "missing",
  InvalidObjectState: "missing",
  QuotaExceeded: "full",
  InsufficientStorage: "full",
  XMinioStorageFull: "full",
  BadDigest: "corrupt",
  XAmzContentSHA256Mismatch: "corrupt",
  InvalidPart: "corrupt",
  RequestTimeout: "unreachable",
  SlowDown: "unreachable",
};

function failureOf(
  title: string,
  { status, text, region }: { status: number; text: string; region: string | null },
): BucketError {
  const code = textOf(text, "Code")?.slice(0, 80), message = textOf(text, "Message")?.slice(0, 300);
  const known = code === undefined ? undefined : CODES[code];
  const fault = known ?? faultOfStatus(status);
  const says = [String(status), code, message].filter((part) => part).join(" ");
  const where = region !== null && status < 400 ? ` The bucket is in the region ${region.slice(0, 40)}.` : "";
  return new BucketError(title, { fault, reason: `the object store answered ${says}.${where}`, code });
}

function faultOfStatus(status: number): BucketFault {
  if (status === 404) return "missing";
  if (status === 507) return "full";
  if (status === 429 || status >= 500) return "unreachable";
  return status >= 400 ? "refused" : "nonsense";
}
