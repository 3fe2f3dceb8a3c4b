import type { PeerAddress } from "../ports.ts";

export type AnnounceEvent = "started" | "stopped" | "completed";

/** A peer's announce, the same by HTTP (BEP 3) and UDP (BEP 15). Counts are bytes. */
export interface AnnounceRequest {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  readonly port: number;
  readonly uploaded: number;
  readonly downloaded: number;
  readonly left: number;
  readonly event?: AnnounceEvent;
  /** How many peers it asks for. */
  readonly numWant?: number;
}

export interface AnnounceResponse {
  readonly intervalSeconds: number;
  /** How many peers have everything, and how many do not. */
  readonly complete: number;
  readonly incomplete: number;
  readonly peers: readonly PeerAddress[];
}

/** The response as a tracker builds it: addresses are in the compact form that is sent (BEP 23, BEP 7). */
export interface CompactAnnounceResponse extends Omit<AnnounceResponse, "peers"> {
  readonly peers: Uint8Array;
  readonly peers6: Uint8Array;
}

/** Announces to one tracker. Throws if it refuses or does not answer. */
export type Announce = (
  url: string,
  options: { request: AnnounceRequest; signal: AbortSignal },
) => Promise<AnnounceResponse>;
