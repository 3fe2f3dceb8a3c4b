import { inUrl, isIpv4 } from "../connections/site_addresses.ts";
import type { SwarmAddresses } from "../fleet/ports.ts";
import { MODULE } from "../rsync/selection.ts";
import { SEED_PREFIX } from "./plain_http.ts";

interface SwarmPorts {
  readonly http: number;
  readonly tracker: number;
  /** Undefined: the server does not seed. */
  readonly peers: number | undefined;
  /** Undefined: no rsync. */
  readonly rsync: number | undefined;
}

/**
 * The swarm's addresses as a node sees them that reached the server under `host`. A name is replaced by the
 * advertised address: in its initramfs a node may have no DNS.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { swarmAddresses } from "./swarm_addresses.ts";
 *
 * const ports = { http: 8080, tracker: 6969, peers: 6881, rsync: undefined };
 * const addresses = swarmAddresses(ports, { host: "images.example", advertised: "10.0.0.1" });
 * assert.deepEqual(addresses.announce, ["http://10.0.0.1:8080/announce", "udp://10.0.0.1:6969"]);
 * assert.equal(addresses.rsync, undefined);
 * assert.equal(swarmAddresses(ports, { host: "[fd00::1]", advertised: "10.0.0.1" }).http, "http://[fd00::1]:8080");
 * ```
 */
export function swarmAddresses(
  ports: SwarmPorts,
  { host, advertised, caches = [], trackers = [] }: {
    host: string;
    advertised: string;
    caches?: readonly URL[];
    /** Besides the server's own, which come first. */
    trackers?: readonly string[];
  },
): SwarmAddresses {
  const named = host.replace(/^\[|\]$/g, "");
  const hostname = isIpv4(named) || named.includes(":") ? named : advertised;
  const written = inUrl(hostname), origin = `http://${written}:${ports.http}`;
  return {
    announce: [`${origin}/announce`, `udp://${written}:${ports.tracker}`, ...trackers],
    webSeeds: caches.length > 0 ? caches.map(({ href }) => href) : [origin + SEED_PREFIX],
    ...(ports.peers === undefined && { webSeedsFirst: true }),
    http: origin,
    seeders: ports.peers === undefined ? [] : [{ hostname, port: ports.peers }],
    ...(ports.rsync !== undefined && { rsync: `rsync://${written}:${ports.rsync}/${MODULE}` }),
  };
}
