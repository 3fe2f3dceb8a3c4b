/** What the HTTP services grant connections, sized by what the process may have open. */

export interface ConnectionLimits {
  /** Connections to HTTPS and HTTP together. */
  readonly total: number;
  /** Of one address. Nodes behind a relay share one, so this is generous. */
  readonly perAddress: number;
  /** Connections that have not made a whole request yet; beside these the first TLS handshakes of a rack. */
  readonly newTotal: number;
  readonly newPerAddress: number;
  /** Requests being answered, over all connections. */
  readonly requests: number;
  /** From the connection to the first whole request, TLS handshake included. */
  readonly firstRequestMs: number;
  /** Between two requests. Deno's client, the nodes', closes a connection itself after 90 s. */
  readonly idleMs: number;
  /** What may come in without making a whole request: handshake and header fields. */
  readonly headBytes: number;
  /** A client that is being answered reads `stallBytes` in this time, or goes. */
  readonly stallMs: number;
  readonly stallBytes: number;
}

const MAX_CONNECTIONS = 8192;
/** Each TLS connection takes some 25 KiB before its first request. */
const MAX_NEW = 512;

/** Half of the descriptors stay free for peers, rsync, files and packs. */
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
