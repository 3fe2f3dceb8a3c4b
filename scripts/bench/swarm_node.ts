/**
 * One machine of the swarm benches and interop tests, in a process of its own. Prints READY; a leech then waits for a
 * line on standard input, prints DONE with its figures as JSON, and seeds until killed.
 *
 *     swarm_node.ts serve TORRENT DIR HOST [--racks]  HTTP and UDP tracker on :6969, seeder on :6881
 *     swarm_node.ts track TORRENT HOST                the tracker alone
 *     swarm_node.ts leech TORRENT DIR HOST [--racks]  with --racks, a /24 is a rack
 */
import { parseArgs } from "node:util";
import { configure, getConsoleSink } from "@logtape/logtape";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import { FileStorage } from "#torrent/storage/file_storage.ts";
import { type Metainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { PeerListener } from "#torrent/session/peer_listener.ts";
import { Swarm } from "#torrent/session/swarm.ts";
import { handleAnnounce } from "../../server/swarm/http_tracker.ts";
import { Seeder } from "../../server/swarm/seeder.ts";
import { Tracker } from "../../server/swarm/tracker.ts";
import { UdpTracker } from "../../server/swarm/udp_tracker.ts";

await configure({
  sinks: { console: getConsoleSink() },
  loggers: [
    { category: "rackseed", lowestLevel: "warning", sinks: ["console"] },
    { category: ["logtape", "meta"], sinks: [] },
  ],
});

const { values: { racks }, positionals } = parseArgs({
  allowPositionals: true,
  options: { racks: { type: "boolean", default: false } },
});
const [mode, torrent = "", ...rest] = positionals;
const metainfo = parseMetainfo(Deno.readFileSync(torrent));
const hostname = rest.at(-1) ?? "127.0.0.1";

if (mode === "leech") await leech(metainfo, { hostname, directory: rest[0] ?? "." });
else {
  const tracker = serveTracker(hostname);
  UdpTracker.listen(tracker, { hostname, port: 6969 });
  if (mode === "track") tracker.add(metainfo.infoHash, []);
  else seed(metainfo, { tracker, hostname, directory: rest[0] ?? "." });
  console.log("READY");
}

function serveTracker(hostname: string): Tracker {
  const tracker = new Tracker(Math.random);
  Deno.serve(
    { hostname, port: 6969, onListen: () => {} },
    (request, { remoteAddr }) =>
      handleAnnounce(request, {
        hostname: remoteAddr.transport === "tcp" ? remoteAddr.hostname : "",
        tracker,
        now: Date.now(),
      }),
  );
  return tracker;
}

function seed(
  metainfo: Metainfo,
  { tracker, hostname, directory }: { tracker: Tracker; hostname: string; directory: string },
): void {
  const network = PeerListener.listen({ hostname, port: 6881 });
  const seeder = new Seeder(network, { tracker, hostnames: [hostname], racks: () => racksOf(hostname) });
  seeder.add(metainfo, { paths: metainfo.info.files.map(({ name }) => `${directory}/${name}`) });
}

async function leech(
  metainfo: Metainfo,
  { hostname, directory }: { hostname: string; directory: string },
): Promise<void> {
  const network = PeerListener.listen({ hostname, port: 6881 });
  const storage = FileStorage.open(metainfo.map, directory);
  console.log("READY");
  await Deno.stdin.read(new Uint8Array(16));
  const swarm = Swarm.start({
    metainfo,
    storage,
    network,
    have: new Bitfield(metainfo.map.pieceCount),
    signal: new AbortController().signal,
    ...racksOf(hostname),
  });
  await swarm.done;
  console.log(`DONE ${JSON.stringify(swarm.stats())}`);
}

function racksOf(hostname: string) {
  const rackOf = (address: string) => address.slice(0, address.lastIndexOf("."));
  return racks ? { rackOf, rack: rackOf(hostname) } : {};
}
