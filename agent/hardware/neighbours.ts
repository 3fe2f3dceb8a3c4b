/** Listens for the announcements of the switches that this machine's NICs are plugged into. */
import type { Neighbour } from "#contract/api/hardware.ts";
import { PacketSocket } from "../sys/packet_socket.ts";
import { firstLine } from "../sys/small_file.ts";
import { LLDP_ETHERTYPE, parseLldp } from "./lldp.ts";

/** IEEE 802.1AB-2016 table 7-1: nearest bridge, nearest bridge that is no TPMR, nearest customer bridge. */
const GROUPS = [0x0e, 0x03, 0x00].map((last) => Uint8Array.of(0x01, 0x80, 0xc2, 0x00, 0x00, last));
const POLL_MS = 250;
/** Frames of one NIC that are looked at in one go: a flood must not hold this thread. */
const FRAMES_PER_POLL = 16;

/** Time in which a NIC that was just switched on gets its link. */
const LINK_MS = 10_000;

/**
 * The first announcement that each NIC hears, by NIC. Returns as soon as all NICs with a link have heard one, else when
 * the time is up: switches announce themselves every 30 s (§9.2.5.7).
 */
export async function hearNeighbours(
  nics: readonly string[],
  { forMs, signal, sys = "/sys" }: { forMs: number; signal: AbortSignal; sys?: string },
): Promise<Map<string, Neighbour>> {
  const found = new Map<string, Neighbour>();
  using stack = new DisposableStack();
  const sockets = new Map<string, PacketSocket>();
  for (const nic of nics) {
    const socket = await PacketSocket.open(nic, { etherType: LLDP_ETHERTYPE, groups: GROUPS, sys });
    if (socket) sockets.set(nic, stack.use(socket));
  }
  const started = performance.now();
  for (;;) {
    signal.throwIfAborted();
    for (const [nic, socket] of sockets) {
      const neighbour = found.has(nic) ? undefined : takeNeighbour(socket);
      if (neighbour) found.set(nic, neighbour);
    }
    const silent = [...sockets.keys()].filter((nic) => !found.has(nic));
    const elapsedMs = performance.now() - started;
    const awaited = elapsedMs < LINK_MS ? silent : await withLink(silent, sys);
    if (awaited.length === 0 || elapsedMs >= forMs) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function withLink(nics: readonly string[], sys: string): Promise<string[]> {
  const carriers = await Promise.all(nics.map((nic) => firstLine(`${sys}/class/net/${nic}/carrier`)));
  return nics.filter((_, i) => carriers[i] === "1");
}

function takeNeighbour(socket: PacketSocket): Neighbour | undefined {
  for (let i = 0; i < FRAMES_PER_POLL; i++) {
    const frame = socket.take();
    if (frame === undefined) return undefined;
    const neighbour = parseLldp(frame);
    if (neighbour) return neighbour;
  }
  return undefined;
}
