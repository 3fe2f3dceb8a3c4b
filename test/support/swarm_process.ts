/**
 * A member of a swarm in a process of its own, which can be killed as a power cut or crash would kill it.
 *
 *     swarm_process.ts server TORRENT DIR BYTES_PER_SECOND    seeder and HTTP tracker; prints SERVES {pid, tracker}
 *     swarm_process.ts node TORRENT DIR SEED_PORT             prints HAS {stats} after every piece, DONE {stats}
 *
 * A node stores its packs as an installation does that may be interrupted.
 */
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { PeerListener } from "#torrent/session/peer_listener.ts";
import { RateLimit } from "#torrent/rate_limit.ts";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import { FileStorage } from "#torrent/storage/file_storage.ts";
import { Swarm } from "#torrent/session/swarm.ts";
import { PackStore } from "../../agent/install/fetch/pack_store.ts";
import { handleAnnounce } from "../../server/swarm/http_tracker.ts";
import { Tracker } from "../../server/swarm/tracker.ts";

const hostname = "127.0.0.1";
const [mode = "", torrent = "", directory = "", number = ""] = Deno.args;
const metainfo = parseMetainfo(Deno.readFileSync(torrent));
const network = PeerListener.listen({ hostname, port: 0 });
const { signal } = new AbortController();
const say = (word: string, what: unknown) => console.log(`${word} ${JSON.stringify(what)}`);

if (mode === "server") serve();
else await fetchAll();

function serve(): void {
  const { map, infoHash, info } = metainfo;
  const tracker = new Tracker(Math.random);
  tracker.add(infoHash, [{ hostname, port: network.port }]);
  const http = Deno.serve(
    { hostname, port: 0, onListen: () => {} },
    (request) => handleAnnounce(request, { hostname, tracker, now: Date.now() }),
  );
  Swarm.start({
    metainfo,
    network,
    storage: FileStorage.openReadOnly(map, info.files.map(({ name }) => `${directory}/${name}`)),
    have: Bitfield.full(map.pieceCount),
    uploadLimit: new RateLimit(Number(number)),
    signal,
  });
  say("SERVES", { pid: Deno.pid, tracker: http.addr.port });
}

async function fetchAll(): Promise<void> {
  const { storage } = await PackStore.lasting(metainfo.map, directory);
  const have = await storage.verify(metainfo, signal);
  say("FOUND", have.count);
  const swarm: Swarm = Swarm.start({
    metainfo,
    network,
    storage,
    have,
    signal,
    onPiece: () => say("HAS", swarm.stats()),
  });
  swarm.addPeers([{ hostname, port: Number(number) }]);
  await swarm.done;
  say("DONE", swarm.stats());
}
