import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { BoundedLog } from "../bounded_log.ts";
import { portError } from "../port_holder.ts";
import { MANY_MACHINES_BYTES } from "../socket_descriptor.ts";
import { type OpenUdpPort, openUdpPort, type UdpPeer, type UdpPort } from "../udp_port.ts";
import { ETHERNET_BLKSIZE, negotiate, windowsizeBeside } from "./options.ts";
import { decodeTftp, encodeError, ERROR, TftpFormatError, type TftpOptions } from "./packet.ts";
import { runSession } from "./session.ts";
import type { TftpFile } from "./tftp_file.ts";
import { Transfer } from "./transfer.ts";

export interface TftpServerOptions {
  /** The address to listen on, which sessions use too. */
  readonly hostname: string;
  /** 69 by RFC 1350; 0 picks a free port. */
  readonly port: number;
  /** Finds a file by the name that the client wrote; undefined if there is no such file. */
  readonly lookup: (name: string, client: { readonly address: string }) => TftpFile | undefined;
  /** Called once for each request with its outcome, and the bytes of a file that was sent whole. */
  readonly onOutcome?: (outcome: TftpOutcome, bytes: number) => void;
  /** Ends the service and its sessions. */
  readonly signal: AbortSignal;
  /** The largest block size to grant; by default what fits an Ethernet frame. */
  readonly maxBlksize?: number;
  /**
   * Limits on concurrent sessions, in total and per address. Beyond them, an idle session is evicted; if none is
   * idle, the request gets no answer and the client asks again.
   */
  readonly maxSessions?: number;
  readonly maxSessionsPerAddress?: number;
  readonly openPort?: OpenUdpPort;
}

/** "early": the client stopped, as firmware does that asks for the size alone. */
type TftpOutcome = "sent" | "early" | "not-found" | "refused" | "too-many" | "broken" | "malformed";

interface TftpServer {
  readonly port: number;
  /** Resolves once the signal has ended the service and its sessions; rejects if anything else ends it. */
  readonly finished: Promise<void>;
}

/** All machines of a large site, switched on together. A session is a socket and one block of memory. */
const DEFAULT_MAX_SESSIONS = 2048;
const DEFAULT_MAX_SESSIONS_PER_ADDRESS = 64;
/** A session whose client has been silent for longer than this may be evicted. */
const EVICTABLE_AFTER_MS = 5_000;
const REQUEST_BYTES = 1024;

const log = getLogger(["rackseed", "tftp"]);

/**
 * Serves files, read-only, until the signal aborts. Throws a RackseedError if the port is not available.
 *
 * @example
 * ```ts
 * import { startTftpServer } from "./server.ts";
 * import { openFile } from "./tftp_file.ts";
 *
 * export async function serveOneFile(signal: AbortSignal): Promise<void> {
 *   const { finished } = startTftpServer({
 *     hostname: "10.0.0.1",
 *     port: 69,
 *     lookup: (name) => name === "undionly.kpxe" ? openFile("/usr/lib/ipxe/undionly.kpxe") : undefined,
 *     signal,
 *   });
 *   await finished;
 * }
 * ```
 */
export function startTftpServer(options: TftpServerOptions): TftpServer {
  const { hostname, port, signal, openPort = openUdpPort } = options;
  let listener: UdpPort;
  try {
    listener = openPort({ hostname, port, receiveBytes: MANY_MACHINES_BYTES });
  } catch (error) {
    throw portError({ protocol: "udp", port }, { action: `serve TFTP on ${hostname}`, error });
  }
  const service = new TftpService(options, listener);
  const close = () => service.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  const finished = service.serve().finally(() => {
    signal.removeEventListener("abort", close);
    close();
  });
  log.info("serving", { hostname, port: listener.port });
  return { port: listener.port, finished };
}

/** A running transfer. */
interface Session {
  readonly address: string;
  readonly port: UdpPort;
  readonly transfer: Transfer;
  readonly ended: Promise<void>;
}

class TftpService {
  readonly #options: TftpServerOptions;
  readonly #listener: UdpPort;
  /** Running sessions by the client's address and port, so that a repeated request finds its session. */
  readonly #sessions = new Map<string, Session>();
  readonly #lines = new BoundedLog(log);

  constructor(options: TftpServerOptions, listener: UdpPort) {
    this.#options = options;
    this.#listener = listener;
  }

  async serve(): Promise<void> {
    const buffer = new Uint8Array(REQUEST_BYTES);
    for (;;) {
      const datagram = await this.#listener.receive(buffer);
      if (datagram === undefined) break;
      const { bytes, from } = datagram;
      try {
        await this.#handle(bytes, from);
      } catch (error) {
        if (error instanceof TftpFormatError) {
          this.#note("malformed");
          log.debug("malformed", { from, error: error.message });
        } else log.error("failed", { from, error });
      }
    }
    await Promise.all([...this.#sessions.values()].map(({ ended }) => ended));
  }

  close(): void {
    this.#listener.close();
    for (const { port } of this.#sessions.values()) port.close();
  }

  async #handle(bytes: Uint8Array, peer: UdpPeer): Promise<void> {
    const packet = decodeTftp(bytes);
    switch (packet.kind) {
      case "write":
        this.#note("refused");
        this.#lines.write("warn", "write-refused", { from: peer, name: packet.name });
        return await this.#refuse(peer, ERROR.accessViolation, "this server is read-only");
      case "ack":
      case "error":
        return;
      case "read":
        if (packet.mode !== "octet") {
          this.#note("refused");
          return await this.#refuse(peer, ERROR.illegalOperation, "only mode octet is supported");
        }
        return await this.#begin(packet.name, { options: packet.options, peer });
    }
  }

  async #begin(name: string, { options, peer }: { options: TftpOptions; peer: UdpPeer }): Promise<void> {
    const key = `${peer.hostname} ${peer.port}`;
    const { lookup, hostname, openPort = openUdpPort } = this.#options;
    const { maxBlksize = ETHERNET_BLKSIZE } = this.#options;
    if (this.#sessions.has(key)) return;
    let file: TftpFile | undefined;
    try {
      file = lookup(name, { address: peer.hostname });
    } catch (error) {
      this.#note("broken");
      await this.#refuse(peer, ERROR.undefined, "the server cannot read this file");
      throw error;
    }
    if (!file) {
      this.#note("not-found");
      this.#lines.write("info", "not-found", { client: peer.hostname, name });
      return await this.#refuse(peer, ERROR.notFound, "no such file");
    }
    if (!this.#hasRoomFor(peer.hostname)) {
      file.close?.();
      this.#note("too-many");
      const sessions = this.#sessions.size;
      return this.#lines.write("warn", "too-many-sessions", { client: peer.hostname, name, sessions });
    }
    let port: UdpPort;
    try {
      port = openPort({ hostname, port: 0 });
    } catch (error) {
      file.close?.();
      throw error;
    }
    const maxWindowsize = windowsizeBeside(this.#sessions.size);
    const terms = negotiate(options, { sizeBytes: file.sizeBytes, maxBlksize, maxWindowsize });
    const transfer = new Transfer(terms, performance.now());
    const ended = this.#run(name, { port, peer, file, terms, transfer, signal: this.#options.signal })
      .finally(() => {
        if (this.#sessions.get(key)?.transfer === transfer) this.#sessions.delete(key);
      });
    this.#sessions.set(key, { address: peer.hostname, port, transfer, ended });
  }

  /** Whether the address may have another session. Evicts one if necessary and possible. */
  #hasRoomFor(address: string): boolean {
    const { maxSessions = DEFAULT_MAX_SESSIONS } = this.#options;
    const { maxSessionsPerAddress = DEFAULT_MAX_SESSIONS_PER_ADDRESS } = this.#options;
    const all = [...this.#sessions];
    const own = all.filter(([, session]) => session.address === address);
    if (own.length >= maxSessionsPerAddress) return this.#evictIdlest(own);
    return all.length < maxSessions || this.#evictIdlest(all);
  }

  /** Evicts the oldest session whose client never answered (its sender may be forged), else the longest silent one. */
  #evictIdlest(sessions: readonly [key: string, Session][]): boolean {
    const since = ([, { transfer }]: [string, Session]) => transfer.progressMs;
    const unanswered = sessions.filter(([, { transfer }]) => !transfer.isAnswered);
    const nowMs = performance.now();
    const candidates = unanswered.length > 0
      ? unanswered
      : sessions.filter((session) => nowMs - since(session) > EVICTABLE_AFTER_MS);
    const [first, ...rest] = candidates;
    if (!first) return false;
    const [key, { port }] = rest.reduce((a, b) => since(b) < since(a) ? b : a, first);
    this.#sessions.delete(key);
    port.close();
    return true;
  }

  /** Never rejects: failures are logged. */
  async #run(name: string, session: Parameters<typeof runSession>[0]): Promise<void> {
    const { port, peer, file, terms: { sizeBytes, blksize, windowsize } } = session;
    const about = { client: peer.hostname, name, sizeBytes, blksize, windowsize };
    const startedMs = performance.now();
    this.#lines.write("info", "started", about);
    try {
      const outcome = await runSession(session);
      const seconds = (performance.now() - startedMs) / 1000;
      if (outcome.kind === "done") {
        this.#note("sent", sizeBytes);
        const bytesPerSecond = Math.round(sizeBytes / seconds);
        this.#lines.write("info", "finished", { ...about, seconds, bytesPerSecond });
      } else {
        this.#note("early");
        const { ackedBytes, reason } = outcome;
        this.#lines.write("info", "ended-early", { ...about, seconds, ackedBytes, reason });
      }
    } catch (error) {
      this.#note("broken");
      log.error("broken", { ...about, error: messageOf(error) });
    } finally {
      port.close();
      file.close?.();
    }
  }

  #note(outcome: TftpOutcome, bytes = 0): void {
    this.#options.onOutcome?.(outcome, bytes);
  }

  async #refuse(peer: UdpPeer, code: number, message: string): Promise<void> {
    await this.#listener.send(encodeError(code, message), peer);
  }
}
