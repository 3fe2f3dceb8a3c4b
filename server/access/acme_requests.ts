/**
 * Signed requests to an ACME server (RFC 8555 §6): each is a JSON Web Signature in flattened form, by the account's
 * P-256 key, with a nonce that is good once.
 */
import "reflect-metadata";
import { createHash } from "node:crypto";
import { PemConverter } from "@peculiar/x509";
import { z } from "zod";

const Directory = z.object({ newNonce: z.url(), newAccount: z.url(), newOrder: z.url() });
type Directory = z.infer<typeof Directory>;
/** RFC 9457, as errors are answered. */
const Problem = z.object({ type: z.string().catch(""), detail: z.string().catch("") });

/** Web Crypto, not node:crypto: it has r and s side by side, as RFC 7518 §3.4 wants them, on every runtime. */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** Of one request. */
const ANSWER_MS = 30_000;
const MAX_ANSWER_BYTES = 256 << 10;
/** A server may refuse a nonce at any time, with a new one (§6.5). */
const MAX_TRIES = 5;

interface Answer {
  readonly body: string;
  /** The new resource's address, or "". */
  readonly location: string;
}

interface Reply extends Answer {
  readonly status: number;
  readonly nonce: string | null;
}

type PublicJwk = Readonly<Record<"crv" | "kty" | "x" | "y", string | undefined>>;

interface Opening {
  readonly accountKey: string;
  readonly http: Deno.HttpClient | undefined;
}

/** A new account key, P-256 in PKCS #8 PEM. */
export async function newAccountKey(): Promise<string> {
  const { privateKey } = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  return `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY")}\n`;
}

export class AcmeRequests {
  readonly directory: Directory;
  readonly #http: Deno.HttpClient | undefined;
  readonly #key: CryptoKey;
  /** In this order, without spaces, it is also what the thumbprint is of (RFC 7638 §3). */
  readonly #jwk: PublicJwk;
  /** The account's address, once it is known. */
  #account: string | undefined;
  #nonce: string | null = null;

  private constructor(
    directory: Directory,
    { http, key, jwk }: { http: Deno.HttpClient | undefined; key: CryptoKey; jwk: PublicJwk },
  ) {
    this.directory = directory;
    this.#http = http;
    this.#key = key;
    this.#jwk = jwk;
  }

  static async open(url: URL, { accountKey, http }: Opening): Promise<AcmeRequests> {
    const { status, body } = await ask(url.href, {}, http);
    if (status !== 200) throw new Error(`its directory answers ${status}`);
    const der = PemConverter.decodeFirst(accountKey);
    const key = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]);
    const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", key);
    return new AcmeRequests(Directory.parse(JSON.parse(body)), { http, key, jwk: { crv, kty, x, y } });
  }

  /** Makes the account, or finds the one of this key (§7.3). */
  async useAccount(contact: readonly string[]): Promise<void> {
    const { location } = await this.post(this.directory.newAccount, { termsOfServiceAgreed: true, contact });
    this.#account = location;
  }

  /** What a challenge's token is answered with (§8.1). */
  keyAuthorization(token: string): string {
    return `${token}.${createHash("sha256").update(JSON.stringify(this.#jwk)).digest("base64url")}`;
  }

  /** `payload`: undefined to read (POST-as-GET, §6.3). Throws Error with the server's words. */
  async post(url: string, payload?: unknown): Promise<Answer> {
    for (let tries = 1;; tries++) {
      this.#nonce ??= (await ask(this.directory.newNonce, { method: "HEAD" }, this.#http)).nonce;
      const headers = { "content-type": "application/jose+json" };
      const body = await this.#signed(url, payload);
      const reply = await ask(url, { method: "POST", headers, body }, this.#http);
      this.#nonce = reply.nonce;
      if (reply.status < 400) return reply;
      const { type, detail } = Problem.parse(parseOrNothing(reply.body));
      if (!type.endsWith(":badNonce") || tries >= MAX_TRIES) {
        throw new Error(`it answered ${reply.status}: ${detail || type}`);
      }
    }
  }

  async read<T extends z.ZodType>(url: string, schema: T): Promise<z.output<T>> {
    return schema.parse(JSON.parse((await this.post(url)).body));
  }

  async #signed(url: string, payload: unknown): Promise<string> {
    const who = this.#account === undefined ? { jwk: this.#jwk } : { kid: this.#account };
    const header = encode({ alg: "ES256", nonce: this.#nonce, url, ...who });
    const content = payload === undefined ? "" : encode(payload);
    const bytes = new TextEncoder().encode(`${header}.${content}`);
    const signature = Buffer.from(await crypto.subtle.sign(ALGORITHM, this.#key, bytes)).toString(
      "base64url",
    );
    return JSON.stringify({ protected: header, payload: content, signature });
  }
}

async function ask(url: string, init: RequestInit, http: Deno.HttpClient | undefined): Promise<Reply> {
  if (new URL(url).protocol !== "https:") throw new Error(`it names ${url}, which is not https`);
  const signal = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(url, { ...init, redirect: "error", signal, ...(http && { client: http }) });
  const { status, headers } = response;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES >> 10} KiB`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString();
  return { status, body, location: headers.get("location") ?? "", nonce: headers.get("replay-nonce") };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
