/** The ports of the engine. `system_ports.ts`, `file_storage.ts` and `peer_listener.ts` implement them. */

/** An IP address as text, and a TCP port. */
export interface PeerAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Identifies a peer. */
export interface PeerIdentity {
  readonly hostname: string;
  /** The port we dialled. For a peer that dialled us this is only its ephemeral port. */
  readonly port: number;
  /** As formatted by `peerIdText`. */
  readonly peerId: string;
}

/** A byte stream in both directions; Deno.TcpConn is one. */
export interface Connection {
  /** Fills a part of `into` and returns how much; null at the end of the stream. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes a part of `bytes` and returns how much. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** A torrent's bytes as one string. Positions and lengths are in bytes. Throws RackseedError. */
export interface PieceStorage {
  read(position: number, into: Uint8Array): void;
  write(position: number, bytes: Uint8Array): void;
}

/** A seed's copy of a piece does not match the torrent. Requests for it are rejected; all else is still served. */
export class DamagedPiece extends Error {}

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Returns a number in [0, 1), like Math.random. */
export type Random = () => number;
