/**
 * HTTPS to a BMC. Its certificate is self-signed, has another name and often a wrong date, so it is pinned: the first
 * one that the BMC shows, or the one that the operator named. fetch() cannot do that; node:tls can. Nothing is sent
 * before the certificate is accepted. Each request has a connection of its own, because BMCs drop kept ones in the
 * midst of an operation (openstack/sushy, release note disable-conn-pooling).
 */
import tls from "node:tls";
import { decodeAnswer, type RawAnswer } from "./bmc_answer.ts";

export interface BmcRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** "/redfish/v1/Systems" */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** The port; throws Error, or CertificateChanged. */
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

export function bmcConnection(
  { host, port, pin, onCertificate, answerMs = ANSWER_MS }: BmcEndpoint,
): SendToBmc {
  return (request, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    const plainHost = host.replace(/^\[|\]$/g, "");
    const socket = tls.connect({ host: plainHost, port, rejectUnauthorized: false });
    const late = AbortSignal.timeout(answerMs);
    const abort = () =>
      socket.destroy(signal.aborted ? signal.reason : new Error(`no answer for ${answerMs / 1000} s`));
    const stopped = AbortSignal.any([signal, late]);
    stopped.addEventListener("abort", abort, { once: true });
    let bytes = new Uint8Array();
    const answer = (ended: boolean) => {
      try {
        const whole = decodeAnswer(bytes, { ended });
        if (whole) resolve(whole);
        return whole !== undefined;
      } catch (error) {
        reject(error);
        return true;
      }
    };
    socket.on("secureConnect", () => {
      const shown = socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase();
      const expected = pin();
      if (expected !== undefined && shown !== expected) {
        return socket.destroy(new CertificateChanged(shown));
      }
      if (expected === undefined) onCertificate(shown);
      socket.write(encodeRequest(request, port === 443 ? host : `${host}:${port}`));
    });
    socket.on("data", (chunk: Uint8Array) => {
      bytes = new Uint8Array(Buffer.concat([bytes, chunk]));
      if (bytes.length > MAX_BYTES) {
        socket.destroy(new Error(`an answer of more than ${MAX_BYTES >> 20} MiB`));
      } else if (answer(false)) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("end", () => answer(true));
    socket.on("close", () => answer(true));
    if (stopped.aborted) abort();
    return promise.finally(() => {
      stopped.removeEventListener("abort", abort);
      socket.destroy();
    });
  };
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
