/**
 * Messages to the service manager that started the server: sd_notify(3), a datagram of VARIABLE=VALUE lines to the
 * Unix socket in NOTIFY_SOCKET. By libc, since Deno can neither send from an unnamed socket nor to an abstract one.
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";

const log = getLogger(["rackseed", "service"]);

const LIBC = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;
/** <sys/socket.h> of Linux, the same on x86-64 and arm64. */
const AF_UNIX = 1, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0o2000000, MSG_NOSIGNAL = 0x4000;
/** unix(7): sun_path. */
const MAX_PATH_BYTES = 108;

interface ManagerOptions {
  /** NOTIFY_SOCKET: "/run/…" or "@abstract"; undefined if no manager listens. */
  readonly socket: string | undefined;
  /** Longest silence before the manager restarts the server; undefined without a watchdog. */
  readonly watchdogMs: number | undefined;
}

/** Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID (sd_watchdog_enabled(3)). */
export function managerOptions(env: Readonly<Record<string, string>>, pid: number): ManagerOptions {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds = "", WATCHDOG_PID: watched = `${pid}` } = env;
  const isOurs = watched === `${pid}` && /^[1-9]\d{0,15}$/.test(microseconds);
  return { socket, watchdogMs: isOurs ? Number(microseconds) / 1000 : undefined };
}

export class ServiceManager implements Disposable {
  readonly #socket: string | undefined;
  readonly #watchdogMs: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor({ socket, watchdogMs }: ManagerOptions) {
    this.#socket = socket;
    this.#watchdogMs = watchdogMs;
  }

  /** Everything listens. From now on the watchdog is fed from the event loop: it starves if the loop hangs. */
  ready(status: string): void {
    this.#send(`READY=1\nSTATUS=${oneLine(status)}`);
    if (this.#watchdogMs === undefined || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#send("WATCHDOG=1"), this.#watchdogMs / 2);
    Deno.unrefTimer(this.#timer);
  }

  /** Must be followed by `ready`. */
  reloading(): void {
    this.#send("RELOADING=1");
  }

  stopping(): void {
    this.#send("STOPPING=1");
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** The server runs on if the manager does not hear it: the manager then does what its unit says. */
  #send(message: string): void {
    if (this.#socket === undefined) return;
    try {
      sendDatagram(this.#socket, new TextEncoder().encode(message));
    } catch (error) {
      log.warn("service-manager-unreachable", { socket: this.#socket, error: messageOf(error) });
    }
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

function sendDatagram(path: string, message: Uint8Array<ArrayBuffer>): void {
  const address = unixAddress(path);
  const { socket, sendto, close } = libc();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error("no socket could be opened");
  try {
    const sent = sendto(fd, message, BigInt(message.length), MSG_NOSIGNAL, address, address.length);
    if (sent !== BigInt(message.length)) throw new Error("the datagram was not accepted");
  } finally {
    close(fd);
  }
}

let loaded: ReturnType<typeof Deno.dlopen<typeof LIBC>>["symbols"] | undefined;

/** Stays loaded: the watchdog is fed as long as the server runs. */
function libc(): NonNullable<typeof loaded> {
  return loaded ??= Deno.dlopen("libc.so.6", LIBC).symbols;
}

/** struct sockaddr_un: the family, then a path that ends in NUL, or NUL and an abstract name (unix(7)). */
function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const isAbstract = path.startsWith("@");
  if (!isAbstract && !path.startsWith("/")) throw new Error("it is neither a path nor an abstract socket");
  const name = new TextEncoder().encode(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > MAX_PATH_BYTES) throw new Error("its name is too long");
  const address = new Uint8Array(2 + name.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}
