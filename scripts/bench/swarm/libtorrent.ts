import { DONE, type Engine, isDone, PAYLOAD, type Place } from "./engine.ts";

/**
 * libtorrent with its fastest settings: every peer unchoked, connections made at once; no DHT, PEX, local discovery,
 * port mapping, uTP or encryption, which a closed network with one tracker does not need. Its preset for high-speed
 * seeding is not used: with it, four nodes took a fifth to a third longer. The seeder is told that it has everything,
 * so that it does not hash first.
 */
const PEER = `
import sys, time
import libtorrent as lt

mode, torrent, folder, address = sys.argv[1:]
session = lt.session({
    "listen_interfaces": address + ":6881",
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "enable_outgoing_utp": False, "enable_incoming_utp": False,
    "out_enc_policy": 2, "in_enc_policy": 2,
    "connections_limit": 500, "connection_speed": 500, "unchoke_slots_limit": -1,
    "download_rate_limit": 0, "upload_rate_limit": 0,
    "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(torrent)
params.save_path = folder
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
params.flags |= lt.torrent_flags.disable_pex
if mode == "seed":
    params.flags |= lt.torrent_flags.seed_mode
else:
    print("READY", flush=True)
    sys.stdin.readline()
handle = session.add_torrent(params)
if mode == "seed":
    print("READY", flush=True)
while True:
    session.wait_for_alert(1000)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.torrent_finished_alert) and mode == "leech":
            print("${DONE}", flush=True)
        elif isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert)):
            sys.exit(alert.message())
`;

function argv(
  { scratch, torrent, lab }: Place,
  { mode, machine, folder }: { mode: "seed" | "leech"; machine: number; folder: string },
): string[] {
  const script = `${scratch}/libtorrent_peer.py`;
  Deno.writeTextFileSync(script, PEER);
  // Debian's own Python, the only one with the package
  return ["/usr/bin/python3", script, mode, torrent, folder, lab.address(machine)];
}

export const libtorrent: Engine = {
  name: "libtorrent",
  packages: { "python3-libtorrent": "/usr/share/doc/python3-libtorrent" },
  tracker: true,
  waitsForGo: true,
  copy: PAYLOAD,
  server: (place) => ({
    argv: argv(place, { mode: "seed", machine: 0, folder: place.seed }),
    says: (line) => line === "READY",
  }),
  node: (place, { machine, folder }) => ({
    argv: argv(place, { mode: "leech", machine, folder }),
    says: isDone,
  }),
};
