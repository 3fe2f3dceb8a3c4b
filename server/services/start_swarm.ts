/** The server's part of the swarm: its seeder, the trackers' table of peers, the site's settings and racks. */
import { RateLimit } from "#torrent/rate_limit.ts";
import { PeerListener } from "#torrent/session/peer_listener.ts";
import { RackRegistry } from "../fleet/rack_registry.ts";
import type { Publish } from "../fleet/ports.ts";
import { SwarmSettingsStore } from "../store/swarm_settings.ts";
import { Seeder } from "../swarm/seeder.ts";
import { Tracker } from "../swarm/tracker.ts";
import { UdpTracker } from "../swarm/udp_tracker.ts";
import { bind } from "./bind.ts";
import type { ServerData } from "./open_data.ts";
import { SiteSwarm } from "./site_swarm.ts";
import type { StartContext } from "./start_context.ts";

export interface ServerSwarm {
  readonly seeder: Seeder;
  readonly tracker: Tracker;
  readonly udpTracker: UdpTracker;
  readonly site: SiteSwarm;
  readonly racks: RackRegistry;
}

export async function listenForPeers({ options, site, stack }: StartContext): Promise<PeerListener> {
  return stack.use(
    await bind({ protocol: "tcp", port: options.peerPort }, {
      action: "listen for peers",
      start: () => PeerListener.listen({ hostname: site.bind, port: options.peerPort }),
    }),
  );
}

export async function startSwarm(
  { options, site, stack, now }: StartContext,
  { data: { db, nodes }, peers, publish }: { data: ServerData; peers: PeerListener; publish: Publish },
): Promise<ServerSwarm> {
  const tracker = new Tracker(Math.random);
  // seeder and web seed draw from one budget: both send over the server's uplink
  const uplink = new RateLimit(Infinity);
  const siteSwarm = new SiteSwarm(new SwarmSettingsStore(db), {
    uplink,
    uploadLimit: options.uploadLimit,
    onChange: (settings) => publish({ type: "swarm", settings }),
  });
  const racks = new RackRegistry({
    nodes: () => nodes.all(),
    server: () => ({ address: site.advertised, settings: { rack: siteSwarm.settings().serverRack } }),
    prefix: () => siteSwarm.settings().rackPrefix,
    now,
  });
  const seeder = stack.use(
    new Seeder(peers, {
      tracker,
      hostnames: [site.advertised],
      uploadLimit: uplink,
      isOn: options.seeder !== "off",
      racks: () => {
        const rack = racks.serverRack;
        return rack === undefined ? {} : { rack, rackOf: (address) => racks.rackOf(address) };
      },
    }),
  );
  const udpTracker = stack.use(
    await bind({ protocol: "udp", port: options.trackerPort }, {
      action: "serve the UDP tracker",
      start: () => UdpTracker.listen(tracker, { hostname: site.bind, port: options.trackerPort }),
    }),
  );
  return { seeder, tracker, udpTracker, site: siteSwarm, racks };
}
