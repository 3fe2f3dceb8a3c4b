/** Frames of one EtherType as they arrive at a NIC: packet(7) by FFI. For reading only. */
import { firstLine } from "./small_file.ts";

const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

const AF_PACKET = 17, SOCK_RAW = 3, SOCK_CLOEXEC = 0o2000000;
const SOL_PACKET = 263, PACKET_ADD_MEMBERSHIP = 1, PACKET_MR_MULTICAST = 0;
const MSG_DONTWAIT = 0x40;
/** struct sockaddr_ll, and struct packet_mreq of linux/if_packet.h. */
const ADDRESS_BYTES = 20, MEMBERSHIP_BYTES = 16;
/** The largest frame without jumbo frames, and a VLAN tag. */
const FRAME_BYTES = 1518 + 4;

export class PacketSocket implements Disposable {
  readonly #library = Deno.dlopen("libc.so.6", symbols);
  readonly #fd: number;
  readonly #frame = new Uint8Array(FRAME_BYTES);

  private constructor({ etherType, index, groups }: {
    etherType: number;
    index: number;
    groups: readonly Uint8Array[];
  }) {
    const { socket, bind, setsockopt } = this.#library.symbols;
    // the protocol is in network byte order
    this.#fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, (etherType & 0xff) << 8 | etherType >> 8);
    const address = new DataView(new ArrayBuffer(ADDRESS_BYTES));
    // sll_family u16 0, sll_protocol u16 2, sll_ifindex s32 4
    address.setUint16(0, AF_PACKET, true);
    address.setUint16(2, etherType);
    address.setInt32(4, index, true);
    let isOpen = this.#fd >= 0 && bind(this.#fd, new Uint8Array(address.buffer), ADDRESS_BYTES) === 0;
    for (const group of groups) {
      // mr_ifindex s32 0, mr_type u16 4, mr_alen u16 6, mr_address 8
      const membership = new DataView(new ArrayBuffer(MEMBERSHIP_BYTES));
      membership.setInt32(0, index, true);
      membership.setUint16(4, PACKET_MR_MULTICAST, true);
      membership.setUint16(6, group.length, true);
      const bytes = new Uint8Array(membership.buffer);
      bytes.set(group, 8);
      isOpen &&= setsockopt(this.#fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, bytes, bytes.length) === 0;
    }
    if (isOpen) return;
    this[Symbol.dispose]();
    throw new Error(`cannot listen for frames of type ${etherType.toString(16)}`);
  }

  /** `groups`: multicast addresses to listen to. Undefined if there is no such NIC, or it gives no frames. */
  static async open(
    nic: string,
    { etherType, groups, sys = "/sys" }: { etherType: number; groups: readonly Uint8Array[]; sys?: string },
  ): Promise<PacketSocket | undefined> {
    const index = Number(await firstLine(`${sys}/class/net/${nic}/ifindex`));
    if (!Number.isInteger(index) || index <= 0) return undefined;
    try {
      return new PacketSocket({ etherType, index, groups });
    } catch {
      return undefined;
    }
  }

  /** The next frame that has arrived; undefined if there is none. Valid until the next call. */
  take(): Uint8Array | undefined {
    const length = Number(
      this.#library.symbols.recv(this.#fd, this.#frame, BigInt(FRAME_BYTES), MSG_DONTWAIT),
    );
    return length > 0 ? this.#frame.subarray(0, length) : undefined;
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) this.#library.symbols.close(this.#fd);
    this.#library.close();
  }
}
