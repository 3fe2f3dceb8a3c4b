import { type Engine, isDone, PAYLOAD, untilDone } from "./engine.ts";

/** The multicast address for the rendezvous; a receiver would choose the broadcast address by itself. */
const MEETING = ["--mcast-rdv-address", "224.0.0.1"];
const COMMON = ["--interface", "eth0", "--nokbd", "--no-progress", ...MEETING];

/**
 * One sender, with every node receiving the same multicast. It starts once all nodes are there, in full-duplex mode,
 * as on switched links. A node that joins later would have to wait for the next round.
 */
export const udpcast: Engine = {
  name: "udpcast",
  packages: { "udpcast": "/usr/bin/udp-sender" },
  tracker: false,
  waitsForGo: false,
  copy: "0.pack",
  server: ({ seed, nodes }) => ({
    argv: untilDone([
      "udp-sender",
      ...COMMON,
      "--file",
      `${seed}/${PAYLOAD}`,
      "--full-duplex",
      "--min-receivers",
      String(nodes),
    ]),
    says: (line) => line.includes("control to"),
  }),
  node: (_place, { folder }) => ({
    argv: untilDone(["udp-receiver", ...COMMON, "--file", `${folder}/0.pack`]),
    says: isDone,
  }),
};
