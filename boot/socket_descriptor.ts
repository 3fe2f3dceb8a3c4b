import { type PortName, socketInodes } from "./port_holder.ts";

// Linux, man 7 socket; the numbers for x86-64 and arm64.
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;

const LIBC = { setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" } } as const;

/**
 * Room for the packets of some thousand machines that are switched on together, while this process does something
 * else. The kernel's default has room for about 270 of them, and a machine whose packet is lost asks again only after
 * seconds.
 */
export const MANY_MACHINES_BYTES = 4 << 20;

/**
 * Enlarges a socket's receive buffer: beyond the system's limit with CAP_NET_ADMIN (man 7 socket), else up to it. Never
 * fails, since a service works with less room too.
 */
export function enlargeReceiveBuffer(fd: number, sizeBytes: number): void {
  const libc = Deno.dlopen("libc.so.6", LIBC);
  try {
    const size = new Uint8Array(new Int32Array([sizeBytes]).buffer);
    for (const option of [SO_RCVBUFFORCE, SO_RCVBUF]) {
      if (libc.symbols.setsockopt(fd, SOL_SOCKET, option, size, size.length) === 0) return;
    }
  } finally {
    libc.close();
  }
}

/** The descriptor of the socket on the port that this process has opened since `before` was taken. */
export function descriptorOf({ protocol, port }: PortName, before: ReadonlySet<string>): number {
  const tables = [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].map(readTable);
  const inodes = new Set(tables.flatMap((table) => socketInodes(table, { protocol, port })));
  for (const [inode, fd] of ownSockets()) if (!before.has(inode) && inodes.has(inode)) return fd;
  throw new Error(`no descriptor found for ${protocol.toUpperCase()} port ${port}`);
}

/** Without IPv6, the kernel has no table of it. */
function readTable(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Descriptors of this process's sockets, by inode. */
export function ownSockets(): Map<string, number> {
  const sockets = new Map<string, number>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/self/fd/${name}`))?.[1];
      if (inode !== undefined) sockets.set(inode, Number(name));
    } catch {
      // The descriptor used to read the folder is closed by now.
    }
  }
  return sockets;
}
