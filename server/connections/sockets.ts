/**
 * This process's own TCP connections as the kernel has them. Deno.serve neither lists nor closes single connections;
 * descriptors do not change hands while JavaScript runs, so what is read here holds until the caller returns.
 */
import { libc } from "./libc.ts";
import { OpenDescriptors } from "./open_descriptors.ts";

/** One accepted connection. */
export interface SocketFacts {
  readonly fd: number;
  /** See `connectionKey`. */
  readonly key: string;
  /** The far end's IP address. */
  readonly address: string;
}

/** What has gone over a connection (linux/tcp.h, struct tcp_info). */
export interface SocketTraffic {
  /** What came in and was read by its owner: under load much waits in the kernel. */
  readonly receivedBytes: number;
  /** Of what we have sent, the bytes that the far end has acknowledged. */
  readonly acknowledgedBytes: number;
  /** Written by us and not acknowledged. */
  readonly isSending: boolean;
}

const AF_INET = 2, AF_INET6 = 10;
const SOL_SOCKET = 1, SO_LINGER = 13, SO_ACCEPTCONN = 30, IPPROTO_TCP = 6, TCP_INFO = 11;
const SHUT_RDWR = 2;
/** net.core.somaxconn bounds it; it is 4096 by default. */
const BACKLOG = 4096;
const FIONREAD = 0x541bn;
/** Offsets in struct tcp_info: tcpi_unacked u32, bytes_acked u64, bytes_received u64, notsent_bytes u32. */
const UNACKED = 24, BYTES_ACKED = 120, BYTES_RECEIVED = 128, NOTSENT = 144;
const TCP_INFO_BYTES = 148;
const SOCKADDR_BYTES = 28;

/** Names a connection both as the kernel and as Deno.serve know it. */
export function connectionKey(
  { localPort, hostname, port }: { localPort: number; hostname: string; port: number },
): string {
  return `${localPort} ${hostname.replace(/^::ffff:(?=\d+\.)/, "")} ${port}`;
}

export class OwnSockets implements Disposable {
  readonly #descriptors = new OpenDescriptors();
  /** By descriptor: the far end's raw address, since a descriptor is soon used again, and what it means. */
  readonly #peers: Uint8Array;
  readonly #facts: (SocketFacts | undefined)[] = [];
  readonly #name = new Uint8Array(SOCKADDR_BYTES);
  readonly #info = new Uint8Array(256);
  readonly #infoView = new DataView(this.#info.buffer);
  readonly #unread = new Uint32Array(1);
  readonly #unreadBytes = new Uint8Array(this.#unread.buffer);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);

  /** `most`: how many descriptors this process may have. */
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
   * The descriptor that listens on this port. Its queue becomes as long as the system lets it (listen(2)): Deno takes
   * 128 to 511, and when a flood has filled that, a client's first packet is dropped and comes again after a second.
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
   * Ends the connection: its owner reads the end and closes it. With `drop` the kernel forgets what was still to be
   * sent; otherwise it would keep that in memory for minutes for a client that does not read.
   */
  end(fd: number, { drop }: { drop: boolean }): void {
    if (drop) {
      const linger = new Uint8Array(new Int32Array([1, 0]).buffer);
      libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, linger.length);
    }
    libc().shutdown(fd, SHUT_RDWR);
  }

  /** Whether `#name`, the far end's address, is another than this descriptor had; takes it down. */
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

  /** `#name` holds the far end's address. */
  #lookUp(fd: number, ports: ReadonlySet<number>): SocketFacts | undefined {
    const far = parseSocketAddress(this.#name);
    const near = this.#readName("getsockname", fd) ? parseSocketAddress(this.#name) : undefined;
    if (!far || !near || !ports.has(near.port)) return undefined;
    return { fd, key: connectionKey({ localPort: near.port, ...far }), address: far.hostname };
  }

  /** False for what is no socket, or not connected. */
  #readName(call: "getpeername" | "getsockname", fd: number): boolean {
    this.#length[0] = SOCKADDR_BYTES;
    this.#name.fill(0);
    return libc()[call](fd, this.#name, this.#lengthBytes) === 0;
  }
}

/** struct sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)); undefined for other families. */
function parseSocketAddress(bytes: Uint8Array): { hostname: string; port: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const family = view.getUint16(0, true), port = view.getUint16(2);
  if (family === AF_INET) return { hostname: bytes.subarray(4, 8).join("."), port };
  if (family !== AF_INET6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return { hostname: bytes.subarray(20, 24).join("."), port };
  }
  // a URL writes an IPv6 address as RFC 5952 wants it, and so does Deno
  const text = groups.map((group) => group.toString(16)).join(":");
  return { hostname: new URL(`http://[${text}]`).hostname.slice(1, -1), port };
}

/** Without a BigInt for each: a sweep asks for thousands. */
function u64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
