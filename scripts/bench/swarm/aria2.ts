import { type Engine, PAYLOAD, type Place } from "./engine.ts";

/**
 * aria2 with its fastest settings: unlimited peers, no file allocation, every piece in its cache; no DHT, PEX, local
 * discovery, IPv6 or encryption, which a closed network with one tracker does not need.
 */
const SETTINGS = [
  "--no-conf",
  "--enable-dht=false",
  "--enable-dht6=false",
  "--bt-enable-lpd=false",
  "--enable-peer-exchange=false",
  "--disable-ipv6=true",
  "--bt-require-crypto=false",
  "--bt-min-crypto-level=plain",
  "--bt-max-peers=0",
  "--file-allocation=none",
  "--disk-cache=64M",
  "--seed-ratio=0.0",
  "--listen-port=6881",
  "--summary-interval=0",
  "--console-log-level=notice",
  "--show-console-readout=false",
  "--enable-color=false",
];

export const aria2: Engine = {
  name: "aria2",
  packages: { "aria2": "/usr/bin/aria2c" },
  tracker: true,
  waitsForGo: false,
  copy: PAYLOAD,
  server: ({ seed, torrent }) => ({
    argv: [
      "aria2c",
      ...SETTINGS,
      "--check-integrity=true",
      "--bt-seed-unverified=false",
      `--dir=${seed}`,
      torrent,
    ],
    says: (line) => line.includes("listening on TCP port"),
  }),
  node: (place, { folder }) => ({
    argv: [
      "aria2c",
      ...SETTINGS,
      `--on-bt-download-complete=${completionHook(place)}`,
      `--dir=${folder}`,
      place.torrent,
    ],
    says: (line) => line === "COMPLETE",
  }),
};

/** A program to run at the end of a download, which aria2 does not log. */
export function completionHook({ scratch }: Place): string {
  const path = `${scratch}/complete`;
  Deno.writeTextFileSync(path, "#!/bin/sh\necho COMPLETE\n", { mode: 0o755 });
  return path;
}
