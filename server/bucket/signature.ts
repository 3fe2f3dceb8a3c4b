/**
 * AWS Signature Version 4 ("Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference), in headers and
 * in the query of a URL that anyone may use.
 */
import { createHash, createHmac } from "node:crypto";

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

interface Terms {
  readonly credentials: Credentials;
  readonly region: string;
  readonly date: Date;
}

const ALGORITHM = "AWS4-HMAC-SHA256";

/** Encodes all but unreserved characters (RFC 3986 §2.3), as the signature requires. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function encodePath(path: string): string {
  return path.split("/").map(encode).join("/");
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The headers to send, with `authorization`. `url`: path and query encoded by `encode`. */
export function signHeaders(
  { method, url, headers = {}, payloadSha256 }: {
    method: string;
    url: URL;
    headers?: Readonly<Record<string, string>>;
    payloadSha256: string;
  },
  terms: Terms,
): Record<string, string> {
  const { credentials: { accessKey, sessionToken }, date } = terms;
  const sent = {
    ...headers,
    "x-amz-content-sha256": payloadSha256,
    "x-amz-date": stampOf(date),
    ...(sessionToken !== undefined && { "x-amz-security-token": sessionToken }),
  };
  const signed = { ...sent, host: url.host };
  const signature = sign({ method, url, headers: signed, payloadSha256 }, terms);
  return {
    ...sent,
    authorization: `${ALGORITHM} Credential=${accessKey}/${scopeOf(terms)},SignedHeaders=${
      namesOf(signed)
    },Signature=${signature}`,
  };
}

/** The URL with a signature that is good for `seconds` from `date` on, at most seven days. */
export function presign(url: URL, { seconds, ...terms }: Terms & { readonly seconds: number }): URL {
  const { credentials: { accessKey, sessionToken }, date } = terms;
  const query: Record<string, string> = {
    "X-Amz-Algorithm": ALGORITHM,
    "X-Amz-Credential": `${accessKey}/${scopeOf(terms)}`,
    "X-Amz-Date": stampOf(date),
    "X-Amz-Expires": String(seconds),
    ...(sessionToken !== undefined && { "X-Amz-Security-Token": sessionToken }),
    "X-Amz-SignedHeaders": "host",
  };
  const made = new URL(url);
  made.search = Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`).join("&");
  const headers = { host: url.host };
  const signature = sign({ method: "GET", url: made, headers, payloadSha256: "UNSIGNED-PAYLOAD" }, terms);
  made.search += `&X-Amz-Signature=${signature}`;
  return made;
}

function sign(
  { method, url, headers, payloadSha256 }: {
    method: string;
    url: URL;
    headers: Readonly<Record<string, string>>;
    payloadSha256: string;
  },
  terms: Terms,
): string {
  const query = url.search.slice(1).split("&").filter((pair) => pair !== "")
    .map((pair) => pair.includes("=") ? pair : `${pair}=`).sort().join("&");
  const lines = Object.entries(headers).map(([name, value]) => `${name.toLowerCase()}:${value.trim()}\n`)
    .sort();
  const request = [method, url.pathname, query, lines.join(""), namesOf(headers), payloadSha256].join("\n");
  const text = [ALGORITHM, stampOf(terms.date), scopeOf(terms), sha256Hex(request)].join("\n");
  let key: Uint8Array | string = `AWS4${terms.credentials.secretKey}`;
  for (const part of scopeOf(terms).split("/")) key = hmac(key, part);
  return createHmac("sha256", key).update(text).digest("hex");
}

function hmac(key: Uint8Array | string, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}

function namesOf(headers: Readonly<Record<string, string>>): string {
  return Object.keys(headers).map((name) => name.toLowerCase()).sort().join(";");
}

/** "20130524T000000Z" */
function stampOf(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d{3}/g, "");
}

function scopeOf({ region, date }: Terms): string {
  return `${stampOf(date).slice(0, 8)}/${region}/s3/aws4_request`;
}
