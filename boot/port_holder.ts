import { RackseedError } from "#contract/errors.ts";

/** A program that has a port open. */
interface PortHolder {
  readonly pid: number;
  /** The program and its arguments, from /proc/PID/cmdline. */
  readonly command: string;
}

export interface PortName {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

const TCP_LISTEN = "0A";

/**
 * Inodes of the sockets that hold `port`, from the text of /proc/net/{tcp,udp}{,6} (man 5 proc):
 *
 *     sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
 *      0: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   0       0 12345 …
 *
 * For TCP only listeners count: the local end of a connection does not stop another socket from listening.
 */
export function socketInodes(table: string, { protocol, port }: PortName): string[] {
  const inodes: string[] = [];
  for (const line of table.split("\n").slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (local === undefined || inode === undefined) continue;
    if (parseInt(local.slice(local.lastIndexOf(":") + 1), 16) !== port) continue;
    if (protocol === "udp" || state === TCP_LISTEN) inodes.push(inode);
  }
  return inodes;
}

/** The first program found to hold the port in this network namespace. Other users' programs need root. */
export function portHolder(name: PortName): PortHolder | undefined {
  const tables = [`/proc/net/${name.protocol}`, `/proc/net/${name.protocol}6`];
  const links = new Set(
    tables.flatMap((path) => socketInodes(readIfThere(path), name)).map((inode) => `socket:[${inode}]`),
  );
  if (links.size === 0) return undefined;
  for (const process of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(process.name) || !holdsAny(process.name, links)) continue;
    const command = readIfThere(`/proc/${process.name}/cmdline`).replaceAll("\0", " ").trim();
    return { pid: Number(process.name), command };
  }
  return undefined;
}

/** Explains why a port could not be bound; `error` is what binding it threw. */
export function portError(
  name: PortName,
  { action, error }: { action: string; error: unknown },
): RackseedError {
  const port = `${name.protocol.toUpperCase()} port ${name.port}`;
  const title = `cannot ${action}`;
  if (error instanceof Deno.errors.PermissionDenied) {
    return new RackseedError(title, {
      reason: `this user may not use ${port}.`,
      remedy: "start as root, or give the binary CAP_NET_BIND_SERVICE and CAP_NET_RAW.",
      cause: error,
    });
  }
  if (error instanceof Deno.errors.AddrInUse) {
    const holder = portHolder(name);
    return new RackseedError(title, {
      reason: holder
        ? `${port} is held by process ${holder.pid} (${holder.command}).`
        : `${port} is held by another program.`,
      remedy: holder
        ? `stop that program, or use another port or interface for this service.`
        : `find it with "ss -lnp" and stop it.`,
      cause: error,
    });
  }
  return new RackseedError(title, {
    reason: `${port}: ${error instanceof Error ? error.message : String(error)}.`,
    remedy: "check the address and the interface that the service should listen on.",
    cause: error,
  });
}

function holdsAny(pid: string, links: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      if (links.has(linkIfThere(`${folder}/${name}`))) return true;
    }
  } catch {
    // The process has ended, or belongs to another user.
  }
  return false;
}

function linkIfThere(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
