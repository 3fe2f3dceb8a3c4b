/** DHCP clients that share one socket, as machines share one link. Answers are told apart by their xid. */
import { BROADCAST, type Ipv4, NO_ADDRESS } from "../../../boot/dhcp/address.ts";
import { openOnInterface } from "../../../boot/dhcp/interface_socket.ts";
import { MESSAGE_TYPE, OPTION } from "../../../boot/dhcp/options.ts";
import { decodePacket, type DhcpPacket, encodePacket, latin1 } from "../../../boot/dhcp/packet.ts";
import type { UdpPort } from "../../../boot/udp_port.ts";
import { clientPacket } from "../../../test/support/dhcp_packets.ts";
import { macOf } from "./place.ts";

/** PXE 2.1 §2.2.6: pauses between attempts. */
const PAUSES_MS = [4000, 8000, 16_000, 32_000];

const text = (value: string) => new TextEncoder().encode(value);
const FIRMWARE: readonly (readonly [number, Uint8Array])[] = [
  [OPTION.vendorClass, text("PXEClient:Arch:00007:UNDI:003016")],
  [OPTION.clientArchitecture, Uint8Array.of(0, 7)],
  [OPTION.parameterList, Uint8Array.of(OPTION.subnetMask, OPTION.router, OPTION.bootFile)],
];

interface Answer {
  readonly address: string;
  readonly file: string;
  readonly ms: number;
}

export class DhcpClients {
  /** Packets sent again, of all clients. */
  repeats = 0;
  readonly #port: UdpPort = openOnInterface({ interface: "lan", hostname: NO_ADDRESS, port: 68 });
  readonly #waiting = new Map<number, (reply: DhcpPacket) => void>();

  constructor() {
    void this.#receive();
  }

  /** DISCOVER, OFFER, REQUEST, ACK. */
  async ask(index: number, { ipxe }: { ipxe: boolean }): Promise<Answer> {
    const options = [...FIRMWARE, ...ipxe ? [[OPTION.userClass, text("iPXE")] as const] : []];
    const common = { mac: macOf(index), broadcast: true, xid: 1 + index * 2 + (ipxe ? 1 : 0), options };
    const startedMs = performance.now();
    const offer = await this.#exchange(
      clientPacket({ ...common, type: MESSAGE_TYPE.discover }),
      MESSAGE_TYPE.offer,
    );
    const serverId = offer.options.get(OPTION.serverId)?.join(".");
    const ack = await this.#exchange(
      clientPacket({
        ...common,
        type: MESSAGE_TYPE.request,
        requested: offer.yiaddr,
        ...serverId !== undefined && { serverId },
      }),
      MESSAGE_TYPE.ack,
    );
    return { address: ack.yiaddr, file: fileOf(ack), ms: performance.now() - startedMs };
  }

  async #exchange(packet: DhcpPacket, wanted: number): Promise<DhcpPacket> {
    const bytes = encodePacket(packet);
    for (const pauseMs of PAUSES_MS) {
      const { promise, resolve } = Promise.withResolvers<DhcpPacket | undefined>();
      this.#waiting.set(packet.xid, (reply) => {
        if (reply.options.get(OPTION.messageType)?.[0] === wanted) resolve(reply);
      });
      const timer = setTimeout(() => resolve(undefined), pauseMs);
      await this.#port.send(bytes, { hostname: BROADCAST as Ipv4, port: 67 });
      const reply = await promise;
      clearTimeout(timer);
      if (reply !== undefined) return reply;
      this.repeats++;
    }
    throw new Error("no DHCP server answers");
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const datagram = await this.#port.receive(buffer);
      if (datagram === undefined) return;
      const reply = decodePacket(datagram.bytes);
      this.#waiting.get(reply.xid)?.(reply);
    }
  }
}

/** In its field, or in option 67. */
function fileOf({ file, options }: DhcpPacket): string {
  return file !== "" ? file : latin1(options.get(OPTION.bootFile) ?? new Uint8Array());
}
