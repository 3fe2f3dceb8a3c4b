import { isIpv4 } from "../connections/site_addresses.ts";
import type { SwarmAddresses } from "../fleet/ports.ts";
import { MODULE } from "../rsync/selection.ts";
import { SEED_PREFIX } from "./plain_http.ts";

interface SwarmPorts {
  readonly http: number;
  readonly tracker: number;
  readonly peers: number;
  /** Undefined: no rsync. */
  readonly rsync: number | undefined;
}

/**
 * The swarm's addresses as a node sees them that reached the server under `host`. A name is replaced by the
 * advertised address: in its initramfs a node may have no DNS.
 */
export function swarmAddresses(
  ports: SwarmPorts,
  { host, advertised }: { host: string; advertised: string },
): SwarmAddresses {
  const hostname = isIpv4(host) ? host : advertised;
  const origin = `http://${hostname}:${ports.http}`;
  return {
    announce: [`${origin}/announce`, `udp://${hostname}:${ports.tracker}`],
    webSeeds: [origin + SEED_PREFIX],
    http: origin,
    seeders: [{ hostname, port: ports.peers }],
    ...(ports.rsync !== undefined && { rsync: `rsync://${hostname}:${ports.rsync}/${MODULE}` }),
  };
}
