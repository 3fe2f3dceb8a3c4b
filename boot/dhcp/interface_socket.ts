import { portError } from "../port_holder.ts";
import { descriptorOf, enlargeReceiveBuffer, MANY_MACHINES_BYTES, ownSockets } from "../socket_descriptor.ts";
import { openUdpPort, type UdpPort } from "../udp_port.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Ipv4 } from "./address.ts";

/** Where to bind a DHCP socket. */
interface InterfaceBinding {
  readonly interface: string;
  /** An address of the interface, or 0.0.0.0 to receive broadcasts. */
  readonly hostname: Ipv4;
  readonly port: number;
}

// Linux, man 7 socket and man 7 ip; the numbers for x86-64 and arm64.
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SOCKADDR_IN_BYTES = 16;
const ERRNO = { EPERM: 1, EACCES: 13, EADDRINUSE: 98 } as const;

const LIBC = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/**
 * A UDP socket that receives and sends on one interface only (SO_BINDTODEVICE), so that no other network ever gets
 * an answer. It shares the port with sockets on other interfaces and addresses. Throws a RackseedError.
 */
export function openOnInterface({ interface: device, hostname, port }: InterfaceBinding): UdpPort {
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
export function assertPortFree({ interface: device, port }: { interface: string; port: number }): void {
  const libc = Deno.dlopen("libc.so.6", LIBC);
  const { socket, bind, close } = libc.symbols;
  const address = new Uint8Array(SOCKADDR_IN_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  const fd = socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
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

function errnoOf(location: Deno.PointerValue): number {
  return location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
}
