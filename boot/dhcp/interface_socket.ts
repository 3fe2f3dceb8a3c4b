import { portError } from "../port_holder.ts";
import { descriptorOf, enlargeReceiveBuffer, MANY_MACHINES_BYTES, ownSockets } from "../socket_descriptor.ts";
import { openUdpPort, type UdpPort } from "../udp_port.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Ipv4 } from "./address.ts";

/** Where to bind a DHCP socket. */
interface InterfaceBinding {
  readonly interface: string;
  /** An address of the interface; 0.0.0.0 to receive broadcasts, or :: to receive IPv6 multicasts. */
  readonly hostname: string;
  readonly port: number;
  /** An IPv6 multicast address (16 bytes) to listen to as well. */
  readonly group?: Uint8Array;
}

// Linux, man 7 socket and man 7 ip; the numbers for x86-64 and arm64.
const AF_INET = 2, AF_INET6 = 10;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const IPPROTO_IPV6 = 41, IPV6_ADD_MEMBERSHIP = 20;
/** Of struct sockaddr_in and sockaddr_in6: both begin with family u16 and port u16. */
const SOCKADDR_BYTES = { 4: 16, 6: 28 } as const;
const ERRNO = { EPERM: 1, EACCES: 13, EADDRINUSE: 98 } as const;

const LIBC = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/**
 * A UDP socket that receives and sends on one interface only (SO_BINDTODEVICE), so that no other network ever gets
 * an answer. It shares the port with sockets on other interfaces and addresses. Throws a RackseedError.
 */
export function openOnInterface({ interface: device, hostname, port, group }: InterfaceBinding): UdpPort {
  const before = new Set(ownSockets().keys());
  let socket: UdpPort;
  try {
    socket = openUdpPort({ hostname, port, reuseAddress: true });
  } catch (error) {
    throw portError({ protocol: "udp", port }, { action: `serve DHCP on ${device}`, error });
  }
  try {
    const fd = descriptorOf({ protocol: "udp", port }, before);
    bindToDevice(fd, device);
    if (group !== undefined) joinGroup(fd, { device, group });
    enlargeReceiveBuffer(fd, MANY_MACHINES_BYTES);
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}

/**
 * Throws a RackseedError if another program holds the port on this interface or on all. Opening the sockets with
 * openOnInterface would not reveal it: they set SO_REUSEADDR and share the port with any other server that does.
 */
export function assertPortFree(
  { interface: device, port, family = 4 }: { interface: string; port: number; family?: 4 | 6 },
): void {
  const libc = Deno.dlopen("libc.so.6", LIBC);
  const { socket, bind, close } = libc.symbols;
  const address = new Uint8Array(SOCKADDR_BYTES[family]);
  const view = new DataView(address.buffer);
  const domain = family === 4 ? AF_INET : AF_INET6;
  view.setUint16(0, domain, true);
  view.setUint16(2, port);
  const fd = socket(domain, SOCK_DGRAM_CLOEXEC, 0);
  try {
    bindToDevice(fd, device);
    if (bind(fd, address, address.length) === 0) return;
    const errno = errnoOf(libc.symbols.__errno_location());
    const error = errno === ERRNO.EADDRINUSE
      ? new Deno.errors.AddrInUse()
      : errno === ERRNO.EACCES || errno === ERRNO.EPERM
      ? new Deno.errors.PermissionDenied()
      : new Error(`bind: errno ${errno}`);
    throw portError({ protocol: "udp", port }, { action: `serve DHCP on ${device}`, error });
  } finally {
    close(fd);
    libc.close();
  }
}

/** The interface's MAC address. Throws a RackseedError if the interface does not exist or lacks the address. */
export function checkInterface(name: string, address: Ipv4): string {
  const all = Deno.networkInterfaces().filter(({ family }) => family === "IPv4");
  const own = all.filter((entry) => entry.name === name);
  const title = `cannot serve DHCP on ${name}`;
  if (own.length === 0) {
    const others = [...new Set(all.map((entry) => entry.name))].join(", ");
    throw new RackseedError(title, {
      reason: `there is no interface ${name} with an IPv4 address.`,
      remedy: `choose one of ${others || "(no interface has one)"}, or give ${name} an address first.`,
      status: 400,
    });
  }
  const found = own.find((entry) => entry.address === address);
  if (!found) {
    throw new RackseedError(title, {
      reason: `${name} has ${own.map((entry) => entry.address).join(", ")}, not ${address}.`,
      remedy: `run "ip address add ${address}/… dev ${name}", or serve on one of its addresses.`,
      status: 400,
    });
  }
  return found.mac;
}

function bindToDevice(fd: number, device: string): void {
  const libc = Deno.dlopen("libc.so.6", LIBC);
  try {
    const name = new TextEncoder().encode(`${device}\0`);
    if (libc.symbols.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) === 0) return;
    const errno = errnoOf(libc.symbols.__errno_location());
    const denied = errno === ERRNO.EPERM;
    throw new RackseedError(`cannot bind a socket to ${device}`, {
      reason: denied ? "this user lacks CAP_NET_RAW." : `setsockopt SO_BINDTODEVICE: errno ${errno}.`,
      remedy: denied ? "start as root." : `check with "ip link" that the interface ${device} exists.`,
    });
  } finally {
    libc.close();
  }
}

/** struct ipv6_mreq: address 16 bytes, interface u32. */
function joinGroup(fd: number, { device, group }: { device: string; group: Uint8Array }): void {
  const libc = Deno.dlopen("libc.so.6", LIBC);
  try {
    const index = libc.symbols.if_nametoindex(new TextEncoder().encode(`${device}\0`));
    const membership = Uint8Array.of(...group, ...new Uint8Array(new Uint32Array([index]).buffer));
    const { setsockopt } = libc.symbols;
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership, membership.length) === 0) return;
    throw new RackseedError(`cannot serve DHCPv6 on ${device}`, {
      reason: `setsockopt IPV6_ADD_MEMBERSHIP: errno ${errnoOf(libc.symbols.__errno_location())}.`,
      remedy: `check with "ip -6 address show dev ${device}" that it has IPv6.`,
    });
  } finally {
    libc.close();
  }
}

function errnoOf(location: Deno.PointerValue): number {
  return location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
}
