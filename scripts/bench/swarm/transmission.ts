import { completionHook } from "./aria2.ts";
import { type Engine, PAYLOAD, type Place, withMessages } from "./engine.ts";

/**
 * transmission with its fastest settings: as many peers and upload slots as machines, room for every piece in its
 * cache, no rate limits, no file allocation; no DHT, PEX, local discovery or uTP (its uTP yields to TCP and is slower
 * on a local network), and plain connections preferred. Its first byte comes after some twenty seconds, because its
 * rounds of interest and choking take ten seconds each, and no setting shortens them.
 */
const SETTINGS = {
  "cache-size-mb": 64,
  "dht-enabled": false,
  "download-queue-enabled": false,
  "encryption": 0,
  "lpd-enabled": false,
  "peer-limit-global": 200,
  "peer-limit-per-torrent": 100,
  "pex-enabled": false,
  "port-forwarding-enabled": false,
  "preallocation": 0,
  "rename-partial-files": false,
  "speed-limit-down-enabled": false,
  "speed-limit-up-enabled": false,
  "upload-slots-per-torrent": 60,
  "utp-enabled": false,
};

function argv(place: Place, { machine, folder }: { machine: number; folder: string }): string[] {
  const settings = `${place.scratch}/transmission-${machine}`;
  Deno.mkdirSync(settings, { recursive: true });
  Deno.writeTextFileSync(`${settings}/settings.json`, JSON.stringify(SETTINGS));
  const options = ["-M", "-et", "-U", "-D", "-g", settings, "-w", folder, "-f", completionHook(place)];
  return withMessages(["transmission-cli", ...options, place.torrent]);
}

export const transmission: Engine = {
  name: "transmission",
  packages: { "transmission-cli": "/usr/bin/transmission-cli" },
  tracker: true,
  waitsForGo: false,
  copy: PAYLOAD,
  server: (place) => ({
    argv: argv(place, { machine: 0, folder: place.seed }),
    says: (line) => line.startsWith("Seeding"),
  }),
  node: (place, { machine, folder }) => ({
    argv: argv(place, { machine, folder }),
    // Progress is printed only now and then; the hook runs at once.
    says: (line) => line === "COMPLETE" || line.startsWith("Seeding"),
  }),
};
