/** The ordered version's torrent file: by rsync, or over HTTPS if that fails. */
import { messageOf } from "#contract/errors.ts";
import { MAX_METAINFO_BYTES, type Metainfo } from "#torrent/metainfo/metainfo.ts";

import type { Enrolled } from "../../steps/enrol.ts";
import { orderedMetainfo } from "./ordered_image.ts";
import { fetchByRsync } from "./rsync_client.ts";

export interface FetchedTorrent {
  readonly metainfo: Metainfo;
  /** How it came, and why not the other way; human-readable. */
  readonly way: string;
}

/**
 * Rsync does not authenticate its server, so only the info hash, which came with the order, proves the torrent.
 * Nothing outside the hashed part of the file may be trusted.
 */
export async function fetchTorrent(
  { order, client }: Pick<Enrolled, "order" | "client">,
  { signal }: { signal: AbortSignal },
): Promise<FetchedTorrent> {
  let reason = "the server has none";
  if (order.swarm.rsync !== undefined) {
    try {
      const bytes = await fetchByRsync(order.swarm.rsync, { maxBytes: MAX_METAINFO_BYTES, signal });
      return { metainfo: orderedMetainfo(bytes, order), way: "torrent by rsync" };
    } catch (error) {
      signal.throwIfAborted();
      reason = messageOf(error);
    }
  }
  const response = await client.send("GET", "/node/torrent", { signal });
  const metainfo = orderedMetainfo(new Uint8Array(await response.arrayBuffer()), order);
  return { metainfo, way: `torrent over HTTPS, not by rsync: ${reason}` };
}
