/**
 * This process's own TCP connections, as the kernel knows them, since Deno.serve can neither list nor close single
 * ones. Descriptors do not change hands while JavaScript runs, so what is read here holds until the caller returns.
 */
import { libc } from "./libc.ts";
import { OpenDescriptors } from "./open_descriptors.ts";

/** One accepted connection. */
export interface SocketFacts {
  readonly fd: number;
  /** See `connectionKey`. */
  readonly key: string;
  /** The client's IP address. */
  readonly address: string;
}

/** The traffic of a connection (linux/tcp.h, struct tcp_info). */
export interface SocketTraffic {
  /** Received and read by the process. Under load, much more waits in the kernel. */
  readonly receivedBytes: number;
  /** Sent by us and acknowledged by the client. */
  readonly acknowledgedBytes: number;
  /** Whether bytes that we wrote are not acknowledged yet. */
  readonly isSending: boolean;
}

const AF_INET = 2, AF_INET6 = 10;
const SOL_SOCKET = 1, SO_LINGER = 13, SO_ACCEPTCONN = 30, IPPROTO_TCP = 6, TCP_INFO = 11;
const SHUT_RDWR = 2;
/** Capped by net.core.somaxconn, which is 4096 by default. */
const BACKLOG = 4096;
const FIONREAD = 0x541bn;
/** Offsets in struct tcp_info: tcpi_unacked u32, bytes_acked u64, bytes_received u64, notsent_bytes u32. */
const UNACKED = 24, BYTES_ACKED = 120, BYTES_RECEIVED = 128, NOTSENT = 144;
const TCP_INFO_BYTES = 148;
const SOCKADDR_BYTES = 28;

/** A name for a connection that can be made both from the kernel's data and from Deno.serve's. */
export function connectionKey(
  { localPort, hostname, port }: { localPort: number; hostname: string; port: number },
): string {
  return `${localPort} ${hostname.replace(/^::ffff:(?=\d+\.)/, "")} ${port}`;
}

export class OwnSockets implements Disposable {
  readonly #descriptors = new OpenDescriptors();
  /** Per descriptor: the client's raw address, to notice when a descriptor is reused, and the parsed facts. */
  readonly #peers: Uint8Array;
  readonly #facts: (SocketFacts | undefined)[] = [];
  readonly #name = new Uint8Array(SOCKADDR_BYTES);
  readonly #info = new Uint8Array(256);
  readonly #infoView = new DataView(this.#info.buffer);
  readonly #unread = new Uint32Array(1);
  readonly #unreadBytes = new Uint8Array(this.#unread.buffer);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);

  /** `most`: how many descriptors this process may open. */
  constructor({ most }: { most: number }) {
    this.#peers = new Uint8Array(most * SOCKADDR_BYTES);
  }

  /** Connections that came in on one of `ports`. */
  list(ports: ReadonlySet<number>): SocketFacts[] {
    const found: SocketFacts[] = [];
    for (const fd of this.#descriptors.list()) {
      if (!this.#readName("getpeername", fd)) continue;
      if (this.#isNew(fd)) this.#facts[fd] = this.#lookUp(fd, ports);
      const facts = this.#facts[fd];
      if (facts) found.push(facts);
    }
    return found;
  }

  [Symbol.dispose](): void {
    this.#descriptors[Symbol.dispose]();
  }

  /**
   * The descriptor that listens on this port. Also lengthens its accept queue as far as the system allows (listen(2)):
   * Deno's is 128 to 511 long, and when a flood fills it, a client's SYN is dropped and resent only after a second.
   */
  listener(port: number): number | undefined {
    const found = this.#descriptors.list().find((fd) => this.listensOn(fd, port));
    if (found !== undefined) libc().listen(found, BACKLOG);
    return found;
  }

  listensOn(fd: number, port: number): boolean {
    const listens = new Uint8Array(4);
    this.#length[0] = listens.length;
    if (libc().getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, listens, this.#lengthBytes) !== 0) return false;
    if (listens[0] !== 1 || !this.#readName("getsockname", fd)) return false;
    return parseSocketAddress(this.#name)?.port === port;
  }

  traffic(fd: number): SocketTraffic | undefined {
    this.#length[0] = this.#info.length;
    if (libc().getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#info, this.#lengthBytes) !== 0) return undefined;
    if (this.#length[0] < TCP_INFO_BYTES) return undefined;
    this.#unread[0] = 0;
    libc().ioctl(fd, FIONREAD, this.#unreadBytes);
    const view = this.#infoView;
    return {
      receivedBytes: u64(view, BYTES_RECEIVED) - (this.#unread[0] ?? 0),
      acknowledgedBytes: u64(view, BYTES_ACKED),
      isSending: view.getUint32(UNACKED, true) + view.getUint32(NOTSENT, true) > 0,
    };
  }

  /**
   * Shuts the connection down; its owner then reads its end and closes it. With `drop`, the kernel discards unsent
   * data, which it would otherwise keep in memory for minutes for a client that does not read.
   */
  end(fd: number, { drop }: { drop: boolean }): void {
    if (drop) {
      const linger = new Uint8Array(new Int32Array([1, 0]).buffer);
      libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, linger.length);
    }
    libc().shutdown(fd, SHUT_RDWR);
  }

  /** Whether `#name` differs from the client address last seen on this descriptor. Records it. */
  #isNew(fd: number): boolean {
    const name = this.#name, known = this.#peers, at = fd * SOCKADDR_BYTES;
    let differs = false;
    for (let i = 0; i < SOCKADDR_BYTES; i++) {
      if (known[at + i] === name[i]) continue;
      differs = true;
      known[at + i] = name[i] as number;
    }
    return differs;
  }

  /** Expects the client's address in `#name`. Undefined for connections to other ports. */
  #lookUp(fd: number, ports: ReadonlySet<number>): SocketFacts | undefined {
    const far = parseSocketAddress(this.#name);
    const near = this.#readName("getsockname", fd) ? parseSocketAddress(this.#name) : undefined;
    if (!far || !near || !ports.has(near.port)) return undefined;
    return { fd, key: connectionKey({ localPort: near.port, ...far }), address: far.hostname };
  }

  /** False if `fd` is not a socket, or not connected. */
  #readName(call: "getpeername" | "getsockname", fd: number): boolean {
    this.#length[0] = SOCKADDR_BYTES;
    this.#name.fill(0);
    return libc()[call](fd, this.#name, this.#lengthBytes) === 0;
  }
}

/** Parses struct sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)). Undefined for other families. */
function parseSocketAddress(bytes: Uint8Array): { hostname: string; port: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const family = view.getUint16(0, true), port = view.getUint16(2);
  if (family === AF_INET) return { hostname: bytes.subarray(4, 8).join("."), port };
  if (family !== AF_INET6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return { hostname: bytes.subarray(20, 24).join("."), port };
  }
  // URL formats IPv6 addresses by RFC 5952, as Deno does
  const text = groups.map((group) => group.toString(16)).join(":");
  return { hostname: new URL(`http://[${text}]`).hostname.slice(1, -1), port };
}

/** Avoids BigInt, since a sweep reads thousands. */
function u64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
