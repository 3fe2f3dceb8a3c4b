import { API } from "#contract/api.ts";
import type { HttpSource } from "#torrent/web_seed/http_range.ts";
import type { Enrolled } from "../../steps/enrol.ts";

/**
 * Serves the packs over the same HTTPS connection as the node's order, if the server offers it: plain byte ranges
 * for this node alone, for networks that let nothing else through.
 */
export function httpsPacks({ client, order }: Pick<Enrolled, "client" | "order">): HttpSource | undefined {
  const path = order.fallback?.packs;
  if (path === undefined) return undefined;
  return {
    url: new URL(API + path, client.server).href,
    request: ({ torrent, file }, { rangeHeader, signal }) =>
      client.send("GET", `${path}${encodeURIComponent(torrent)}/${encodeURIComponent(file)}`, {
        range: rangeHeader,
        signal,
      }),
  };
}
