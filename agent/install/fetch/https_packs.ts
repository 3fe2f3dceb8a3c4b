import { API } from "#contract/api.ts";
import type { HttpSource } from "#torrent/web_seed/http_range.ts";
import type { Enrolled } from "../../steps/enrol.ts";

/**
 * The packs over the connection by which the node has its order, where the server offers that: plain ranges, for
 * this node alone, through whatever lets nothing else pass.
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
