import type { PeerAddress } from "../ports.ts";

export type AnnounceEvent = "started" | "stopped" | "completed";

/** What a peer tells a tracker, by HTTP (BEP 3) or UDP (BEP 15) alike. Counts are bytes. */
export interface AnnounceRequest {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  readonly port: number;
  readonly uploaded: number;
  readonly downloaded: number;
  readonly left: number;
  readonly event?: AnnounceEvent;
  /** How many peers it would like. */
  readonly numWant?: number;
}

export interface AnnounceResponse {
  readonly intervalSeconds: number;
  /** Peers that have everything, and that do not. */
  readonly complete: number;
  readonly incomplete: number;
  readonly peers: readonly PeerAddress[];
}

/** The same as a tracker makes it: addresses as they are sent, in compact form (BEP 23, BEP 7). */
export interface CompactAnnounceResponse extends Omit<AnnounceResponse, "peers"> {
  readonly peers: Uint8Array;
  readonly peers6: Uint8Array;
}

/** Announces to one tracker. Throws where it does not answer or refuses. */
export type Announce = (
  url: string,
  options: { request: AnnounceRequest; signal: AbortSignal },
) => Promise<AnnounceResponse>;
