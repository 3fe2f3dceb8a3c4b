/** Router solicitations as they arrive at one interface: a raw ICMPv6 socket (RFC 3542) by FFI. */
import { RackseedError } from "#contract/errors.ts";
import { type ReceivedMessage, ROUTER_SOLICITATION } from "./solicitation.ts";

/** Router solicitations in, advertisements out. The loop takes this port, so that a test can do without a socket. */
export interface SolicitationPort {
  /** The next message; undefined once the port is closed. Valid until the next call. */
  receive(): Promise<ReceivedMessage | undefined>;
  /** To a link-local address on the interface, or to all nodes on it. Throws if the kernel cannot send. */
  send(bytes: Uint8Array<ArrayBuffer>, to: Uint8Array): void;
  close(): void;
}

const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  // waits in a thread of its own, and holds up nothing
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

// Linux, man 7 socket, ipv6, icmp; linux/in6.h, linux/icmpv6.h. The same on x86-64 and arm64.
const AF_INET6 = 10, SOCK_RAW = 3, SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1, SO_BINDTODEVICE = 25;
const IPPROTO_IPV6 = 41, IPPROTO_ICMPV6 = 58;
const IPV6_UNICAST_HOPS = 16, IPV6_MULTICAST_HOPS = 18, IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20, IPV6_RECVHOPLIMIT = 51, IPV6_HOPLIMIT = 52;
const ICMP6_FILTER = 1;
const MSG_DONTWAIT = 0x40, EFD_CLOEXEC = 0o2000000, POLLIN = 1;
const EPERM = 1;
/** struct sockaddr_in6: family u16 0, port u16 2, flow u32 4, address 8, scope u32 24. */
const SOCKADDR_BYTES = 28;
/** struct msghdr: name 0, namelen u32 8, iov 16, iovlen 24, control 32, controllen 40, flags 48. */
const MSGHDR_BYTES = 56;
/** struct cmsghdr: len u64 0, level i32 8, type i32 12, data 16. */
const CMSG_DATA = 16;
/** ff02::2, all routers on the link (RFC 4291 §2.7.1). */
const ALL_ROUTERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
/** More than a solicitation with all options that a host would send. */
const MESSAGE_BYTES = 512;

export class Icmpv6Socket implements SolicitationPort {
  readonly #library = Deno.dlopen("libc.so.6", symbols);
  readonly #interface: string;
  readonly #index: number;
  readonly #fd: number;
  /** Wakes `receive` when the port is closed. */
  readonly #wake: number;
  readonly #message = new Uint8Array(MESSAGE_BYTES);
  readonly #source = new Uint8Array(SOCKADDR_BYTES);
  readonly #control = new Uint8Array(64);
  /** struct iovec: base 0, len 8. */
  readonly #vector = new DataView(new ArrayBuffer(16));
  readonly #header = new DataView(new ArrayBuffer(MSGHDR_BYTES));
  /** Two of struct pollfd: fd i32 0, events i16 4, revents i16 6. */
  readonly #polled = new DataView(new ArrayBuffer(16));
  #isWaiting = false;
  #isClosed = false;

  /** Throws a RackseedError if the socket cannot be opened. */
  constructor(device: string) {
    const { socket, eventfd, if_nametoindex } = this.#library.symbols;
    const name = new TextEncoder().encode(`${device}\0`);
    this.#interface = device;
    this.#index = if_nametoindex(name);
    this.#fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
    this.#wake = eventfd(0, EFD_CLOEXEC);
    try {
      if (this.#index === 0) throw this.#failure("if_nametoindex");
      if (this.#fd < 0) throw this.#failure("socket");
      this.#set("SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, name);
      this.#set("ICMP6_FILTER", IPPROTO_ICMPV6, ICMP6_FILTER, filterOf(ROUTER_SOLICITATION));
      this.#set("IPV6_RECVHOPLIMIT", IPPROTO_IPV6, IPV6_RECVHOPLIMIT, i32(1));
      // a receiver discards an advertisement with less (RFC 4861 §6.1.2)
      this.#set("IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, i32(255));
      this.#set("IPV6_MULTICAST_HOPS", IPPROTO_IPV6, IPV6_MULTICAST_HOPS, i32(255));
      this.#set("IPV6_MULTICAST_LOOP", IPPROTO_IPV6, IPV6_MULTICAST_LOOP, i32(0));
      const membership = Uint8Array.of(...ALL_ROUTERS, ...i32(this.#index));
      this.#set("IPV6_ADD_MEMBERSHIP", IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership);
    } catch (error) {
      this.#release();
      throw error;
    }
    for (const [i, fd] of [this.#fd, this.#wake].entries()) {
      this.#polled.setInt32(i * 8, fd, true);
      this.#polled.setInt16(i * 8 + 4, POLLIN, true);
    }
  }

  async receive(): Promise<ReceivedMessage | undefined> {
    while (!this.#isClosed) {
      const message = this.#take();
      if (message !== undefined) return message;
      this.#isWaiting = true;
      await this.#library.symbols.poll(new Uint8Array(this.#polled.buffer), 2n, -1);
      this.#isWaiting = false;
    }
    this.#release();
    return undefined;
  }

  send(bytes: Uint8Array<ArrayBuffer>, to: Uint8Array): void {
    const address = new DataView(new ArrayBuffer(SOCKADDR_BYTES));
    address.setUint16(0, AF_INET6, true);
    new Uint8Array(address.buffer).set(to, 8);
    address.setUint32(24, this.#index, true);
    const { sendto } = this.#library.symbols;
    const target = new Uint8Array(address.buffer);
    const sent = sendto(this.#fd, bytes, BigInt(bytes.length), MSG_DONTWAIT, target, SOCKADDR_BYTES);
    if (Number(sent) !== bytes.length) throw this.#failure("sendto");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const one = new Uint8Array(8);
    one[0] = 1;
    if (this.#isWaiting) this.#library.symbols.write(this.#wake, one, 8n);
    else this.#release();
  }

  /** A message that has arrived; undefined if there is none. */
  #take(): ReceivedMessage | undefined {
    const [header, vector] = [this.#header, this.#vector];
    vector.setBigUint64(0, addressOf(this.#message), true);
    vector.setBigUint64(8, BigInt(MESSAGE_BYTES), true);
    header.setBigUint64(0, addressOf(this.#source), true);
    header.setUint32(8, SOCKADDR_BYTES, true);
    header.setBigUint64(16, addressOf(new Uint8Array(vector.buffer)), true);
    header.setBigUint64(24, 1n, true);
    header.setBigUint64(32, addressOf(this.#control), true);
    header.setBigUint64(40, BigInt(this.#control.length), true);
    const length = this.#library.symbols.recvmsg(this.#fd, new Uint8Array(header.buffer), MSG_DONTWAIT);
    if (length < 0n) return undefined;
    return {
      bytes: this.#message.subarray(0, Number(length)),
      source: this.#source.subarray(8, 24),
      hopLimit: this.#hopLimit(Number(header.getBigUint64(40, true))),
    };
  }

  /** From the ancillary data, of which this socket asks for the hop limit only; -1 without it. */
  #hopLimit(bytes: number): number {
    const control = new DataView(this.#control.buffer);
    const isThere = bytes >= CMSG_DATA + 4 && control.getInt32(8, true) === IPPROTO_IPV6 &&
      control.getInt32(12, true) === IPV6_HOPLIMIT;
    return isThere ? control.getInt32(CMSG_DATA, true) : -1;
  }

  #set(what: string, level: number, option: number, value: Uint8Array<ArrayBuffer>): void {
    const { setsockopt } = this.#library.symbols;
    if (setsockopt(this.#fd, level, option, value, value.length) !== 0) throw this.#failure(what);
  }

  #failure(call: string): RackseedError {
    const location = this.#library.symbols.__errno_location();
    const errno = location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
    return new RackseedError(`cannot answer router solicitations on ${this.#interface}`, {
      reason: errno === EPERM ? "this user lacks CAP_NET_RAW." : `${call}: errno ${errno}.`,
      remedy: errno === EPERM
        ? "start as root, or set --router-adverts off."
        : `check with "ip -6 address show dev ${this.#interface}" that it has a link-local address, ` +
          "or set --router-adverts off.",
    });
  }

  #release(): void {
    if (this.#fd >= 0) this.#library.symbols.close(this.#fd);
    this.#library.symbols.close(this.#wake);
    this.#library.close();
  }
}

/** struct icmp6_filter: a bit for each type, set if the type is blocked. */
function filterOf(passed: number): Uint8Array<ArrayBuffer> {
  const filter = new DataView(new ArrayBuffer(32));
  for (let word = 0; word < 8; word++) filter.setUint32(word * 4, 0xffffffff, true);
  const word = (passed >> 5) * 4;
  filter.setUint32(word, ~(1 << (passed & 31)), true);
  return new Uint8Array(filter.buffer);
}

function i32(value: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(4));
  view.setInt32(0, value, true);
  return new Uint8Array(view.buffer);
}

function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}
