/**
 * HTTPS to a BMC. Its certificate is self-signed, has another name and often a wrong date, so it is pinned: the first
 * one that the BMC shows, or the one that the operator named. Nothing is sent before the certificate is accepted, and
 * the service has proved that it holds its key. Each request has a connection of its own, because BMCs drop kept ones
 * in the midst of an operation (openstack/sushy, release note disable-conn-pooling).
 */
import net from "node:net";
import { decodeAnswer, type RawAnswer } from "./bmc_answer.ts";
import { TlsClient } from "./tls/tls_client.ts";

export interface BmcRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** "/redfish/v1/Systems" */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** The port; throws Error, of which the caller knows CertificateChanged, NoTlsSession and MissingOpenSsl. */
export type SendToBmc = (request: BmcRequest, signal: AbortSignal) => Promise<RawAnswer>;

interface BmcEndpoint {
  /** A name, an IPv4 address, or [IPv6]. */
  readonly host: string;
  readonly port: number;
  /** SHA-256 of its certificate, in hexadecimal; undefined: any is accepted. */
  readonly pin: () => string | undefined;
  /** Called with the certificate of a connection that was accepted without a pin. */
  readonly onCertificate: (pin: string) => void;
  /** Longest time of one request. Default: 30 s, because some BMCs take 20 s. */
  readonly answerMs?: number;
}

const MAX_BYTES = 2 << 20;
const ANSWER_MS = 30_000;

export class CertificateChanged extends Error {
  override readonly name = "CertificateChanged";
}

export function bmcConnection(endpoint: BmcEndpoint): SendToBmc {
  const { answerMs = ANSWER_MS } = endpoint;
  return async (request, signal) => {
    using exchange = new Exchange(endpoint, request);
    const late = AbortSignal.timeout(answerMs);
    const stopped = AbortSignal.any([signal, late]);
    const stop = () =>
      exchange.stop(signal.aborted ? signal.reason : new Error(`no answer for ${answerMs / 1000} s`));
    stopped.addEventListener("abort", stop, { once: true });
    if (stopped.aborted) stop();
    try {
      return await exchange.answer;
    } finally {
      stopped.removeEventListener("abort", stop);
    }
  };
}

/** One request and its answer, on a connection of its own. */
class Exchange implements Disposable {
  readonly #endpoint: BmcEndpoint;
  readonly #request: BmcRequest;
  readonly #tls = new TlsClient();
  readonly #socket: net.Socket;
  readonly #answer = Promise.withResolvers<RawAnswer>();
  #isSecure = false;
  #isOver = false;
  #bytes = new Uint8Array();

  constructor(endpoint: BmcEndpoint, request: BmcRequest) {
    this.#endpoint = endpoint;
    this.#request = request;
    this.#answer.promise.catch(() => {}); // the caller may not wait yet
    this.#socket = net.connect({ host: endpoint.host.replace(/^\[|\]$/g, ""), port: endpoint.port });
    this.#socket.on("connect", () => this.#step(() => void this.#tls.handshake()));
    this.#socket.on("data", (chunk: Uint8Array) => this.#step(() => this.#receive(chunk)));
    this.#socket.on("error", (error: Error) => this.stop(error));
    for (const event of ["end", "close"]) this.#socket.on(event, () => this.#step(() => this.#decode(true)));
  }

  get answer(): Promise<RawAnswer> {
    return this.#answer.promise;
  }

  stop(reason: unknown): void {
    this.#answer.reject(reason);
    this[Symbol.dispose]();
  }

  /** What an event listener throws would end the server. */
  #step(work: () => void): void {
    if (this.#isOver) return;
    try {
      work();
      if (!this.#isOver) this.#flush();
    } catch (error) {
      this.#flush(); // the alert that tells the service
      this.stop(error);
    }
  }

  #flush(): void {
    const bytes = this.#tls.take();
    if (bytes.length > 0 && this.#socket.writable) this.#socket.write(bytes);
  }

  #receive(chunk: Uint8Array): void {
    this.#tls.receive(chunk);
    if (!this.#isSecure) {
      this.#isSecure = this.#tls.handshake();
      if (!this.#isSecure) return;
      this.#accept();
      const { host, port } = this.#endpoint;
      this.#tls.write(encodeRequest(this.#request, port === 443 ? host : `${host}:${port}`));
    }
    this.#bytes = new Uint8Array(Buffer.concat([this.#bytes, this.#tls.read()]));
    if (this.#bytes.length > MAX_BYTES) throw new Error(`an answer of more than ${MAX_BYTES >> 20} MiB`);
    this.#decode(this.#tls.isEnded);
  }

  /** Throws CertificateChanged. */
  #accept(): void {
    const { pin, onCertificate } = this.#endpoint;
    const shown = this.#tls.fingerprint(), expected = pin();
    if (expected === undefined) onCertificate(shown);
    else if (shown !== expected) throw new CertificateChanged(shown);
  }

  #decode(ended: boolean): void {
    const answer = decodeAnswer(this.#bytes, { ended });
    if (!answer) return;
    this.#answer.resolve(answer);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.destroy();
    this.#tls[Symbol.dispose]();
  }
}

/** Without compression: with it, BMCs weaken their ETags (openstack/sushy, do-not-offer-compression-encoding). */
function encodeRequest({ method, path, headers = {}, body }: BmcRequest, host: string): Uint8Array {
  const content = body === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(body));
  const lines = Object.entries({
    Host: host,
    Accept: "application/json",
    "Accept-Encoding": "identity",
    "OData-Version": "4.0",
    "User-Agent": "rackseed",
    Connection: "close",
    ...(body !== undefined && { "Content-Type": "application/json" }),
    ...(method !== "GET" && { "Content-Length": String(content.length) }),
    ...headers,
  }).map(([name, value]) => {
    if (/[^\x20-\x7e]/.test(value)) throw new Error(`the header ${name} cannot be sent`);
    return `${name}: ${value}`;
  });
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new Error(`the path ${JSON.stringify(path)} cannot be sent`);
  const head = new TextEncoder().encode([`${method} ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
  return new Uint8Array(Buffer.concat([head, content]));
}
