/** Limits on connections to the HTTP services, sized by how many descriptors the process may open. */

export interface ConnectionLimits {
  /** Connections to HTTPS and HTTP together. */
  readonly total: number;
  /** From one address. Nodes behind a relay share one, so this is generous. */
  readonly perAddress: number;
  /** Connections that have not made a whole request yet, including a rack's first TLS handshakes. */
  readonly newTotal: number;
  readonly newPerAddress: number;
  /** Requests being answered, on all connections. */
  readonly requests: number;
  /** From the connection to the first whole request, TLS handshake included. */
  readonly firstRequestMs: number;
  /** Between two requests. The nodes' client, Deno's fetch, closes idle connections after 90 s. */
  readonly idleMs: number;
  /** Bytes that may come in before a request is whole: TLS handshake and header fields. */
  readonly headBytes: number;
  /** A client that is being answered must read `stallBytes` in this time. */
  readonly stallMs: number;
  readonly stallBytes: number;
}

const MAX_CONNECTIONS = 8192;
/** Each TLS connection takes some 25 KiB before its first request. */
const MAX_NEW = 512;

/** Leaves half of the descriptors for peers, rsync, files and packs. */
export function connectionLimits(descriptors: number): ConnectionLimits {
  const total = Math.min(MAX_CONNECTIONS, Math.floor(descriptors / 2));
  const newTotal = Math.min(MAX_NEW, Math.floor(total / 2));
  return {
    total,
    perAddress: Math.ceil(total / 4),
    newTotal,
    newPerAddress: Math.ceil(newTotal / 2),
    requests: 2 * total,
    firstRequestMs: 15_000,
    idleMs: 120_000,
    headBytes: 64 * 1024,
    stallMs: 60_000,
    stallBytes: 16 * 1024,
  };
}
