/**
 * A switch port that is part of a link aggregation (LACP, IEEE 802.1AX-2014). Without LACP fallback it drops everything
 * until this machine negotiates too. The kernel's bonding driver does that, over a bond of the one NIC: the switch then
 * sends everything by this port, whichever of its ports it would have chosen for an answer.
 */
import type { Run } from "../sys/command.ts";
import { PacketSocket } from "../sys/packet_socket.ts";
import { exists } from "../sys/small_file.ts";

/** §6.2.7.2 "Slow Protocols", §6.4.2.3: behind the Ethernet header subtype 1 (LACP) and version. */
const ETHER_TYPE = 0x8809, GROUP = Uint8Array.of(0x01, 0x80, 0xc2, 0x00, 0x00, 0x02);
const SUBTYPE_AT = 14, LACP = 1;
/** A flood must not hold this thread. */
const FRAMES_PER_LOOK = 64;

/** Hears whether a NIC's switch port speaks LACP. The NIC is up. */
export class LacpListener implements Disposable {
  readonly #socket: PacketSocket | undefined;
  #hasHeard = false;

  private constructor(socket: PacketSocket | undefined) {
    this.#socket = socket;
  }

  static async open(nic: string): Promise<LacpListener> {
    return new LacpListener(await PacketSocket.open(nic, { etherType: ETHER_TYPE, groups: [GROUP] }));
  }

  /** Since it was opened. */
  get hasHeard(): boolean {
    for (let i = 0; i < FRAMES_PER_LOOK && !this.#hasHeard; i++) {
      const frame = this.#socket?.take();
      if (frame === undefined) break;
      this.#hasHeard = frame[SUBTYPE_AT] === LACP;
    }
    return this.#hasHeard;
  }

  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
  }
}

/** Makes a bond of one NIC, with its MAC, and switches it on. Throws RackseedError. */
export async function openBond(
  { name, mac, bond }: { readonly name: string; readonly mac: string; readonly bond: string },
  { run, signal }: { run: Run; signal: AbortSignal },
): Promise<void> {
  if (await exists(`/sys/class/net/${bond}`)) return;
  const options = {
    signal,
    title: `cannot negotiate LACP on ${name}`,
    remedy:
      "install a kernel with the module bonding on the template, or switch LACP fallback on at the switch.",
  };
  // it would make a bond that nobody asked for
  await run(["modprobe", "-q", "bonding", "max_bonds=0"], { signal, accept: [0, 1] });
  const mode = ["mode", "802.3ad", "miimon", "100", "lacp_rate", "fast"];
  await run(["ip", "link", "add", bond, "address", mac, "type", "bond", ...mode], options);
  await run(["ip", "link", "set", "dev", name, "down"], options);
  await run(["ip", "link", "set", "dev", name, "master", bond], options);
  await run(["ip", "link", "set", "dev", bond, "up"], options);
}
