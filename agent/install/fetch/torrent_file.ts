/** The ordered version's torrent file: by rsync, or over HTTPS where that fails. */
import { messageOf } from "#contract/errors.ts";
import { MAX_METAINFO_BYTES, type Metainfo } from "#torrent/metainfo/metainfo.ts";
import { orderedMetainfo } from "./download.ts";
import type { Enrolled } from "../../steps/enrol.ts";
import { fetchByRsync } from "./rsync_client.ts";

export interface FetchedTorrent {
  readonly metainfo: Metainfo;
  /** Which way it came, and why not the other one: for people. */
  readonly way: string;
}

/**
 * Rsync proves nothing of its server, so that only the info hash, which came with the order, makes a torrent the
 * right one; what else stands in the file is not to be believed.
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
