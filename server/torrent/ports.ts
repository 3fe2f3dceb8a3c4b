/** What the swarm needs of the world. `system_ports.ts`, `file_storage.ts` and `peer_listener.ts` fill them. */

/** An address in text and a TCP port. */
export interface PeerAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Who a peer is. */
export interface PeerIdentity {
  readonly hostname: string;
  /** Where we reached it; a peer that reached us shows only a passing port. */
  readonly port: number;
  /** As `peerIdText` writes it. */
  readonly peerId: string;
}

/** A byte stream in both directions; Deno.TcpConn is one. */
export interface Connection {
  /** Fills a part of `into`; null at the end of the stream. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes a part of `bytes` and says how much. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** A torrent's bytes as one string; positions and lengths are bytes. Throws RackseedError. */
export interface PieceStorage {
  read(position: number, into: Uint8Array): void;
  write(position: number, bytes: Uint8Array): void;
}

/** A seed's copy of a piece is not what the torrent says. It is refused, and everything else still served. */
export class DamagedPiece extends Error {}

export interface Clock {
  /** Milliseconds that only go forward. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A number from 0 up to 1, as Math.random. */
export type Random = () => number;
