/** A read-only rsync daemon for one module, `torrents`: a table of names, never a folder. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { connectionsOf } from "../connections/accept.ts";
import { Newcomers } from "../connections/newcomers.ts";
import { RsyncStream } from "#rsync/stream.ts";
import { serveSession, type SessionLimits } from "./session.ts";
import type { TorrentFile } from "./torrent_file.ts";

/** Clients that have named the module. */
const MAX_CLIENTS = 256;
const MAX_CLIENTS_PER_ADDRESS = 32;
const NEWCOMERS = { total: 256, perAddress: 64 };
const LIMITS: SessionLimits = { handshakeMs: 15_000, transferMs: 10 * 60_000 };
const IDLE_MS = 30_000;
/** What a client may say in all: block sums of an old file are the most of it. */
const MAX_READ_BYTES = 32 * 1024 * 1024;

const log = getLogger(["rackseed", "rsync"]);

interface DaemonOptions {
  /** The table as it is at that moment. */
  readonly files: () => readonly TorrentFile[];
  readonly limits?: SessionLimits;
}

/** Runs until disposed. */
export class RsyncDaemon implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #options: DaemonOptions;
  readonly #clients = new Map<RsyncStream, string>();
  readonly #newcomers = new Newcomers(NEWCOMERS);
  #closed = false;

  private constructor(listener: Deno.TcpListener, options: DaemonOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  /** Port 0 takes a free one. */
  static listen(
    { hostname, port }: { hostname: string; port: number },
    options: DaemonOptions,
  ): RsyncDaemon {
    const daemon = new RsyncDaemon(Deno.listen({ hostname, port, transport: "tcp" }), options);
    daemon.#acceptAll().catch((error) => log.error("rsync-failed", { error: messageOf(error) }));
    return daemon;
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#listener.close();
    this.#newcomers.closeAll();
    for (const stream of this.#clients.keys()) stream[Symbol.dispose]();
  }

  async #acceptAll(): Promise<void> {
    for await (const connection of connectionsOf(this.#listener, { isClosed: () => this.#closed, log })) {
      this.#serve(connection);
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const { files, limits = LIMITS } = this.#options;
    const { hostname: address } = connection.remoteAddr;
    using stream = new RsyncStream(connection, {
      idleMs: IDLE_MS,
      totalMs: limits.transferMs,
      maxReadBytes: MAX_READ_BYTES,
    });
    const leave = this.#newcomers.admit({ close: () => stream[Symbol.dispose](), address });
    const admit = () => {
      leave();
      if (!this.#hasRoomFor(address)) return false;
      this.#clients.set(stream, address);
      return true;
    };
    try {
      await serveSession(stream, { files, limits, admit });
    } catch (error) {
      if (!this.#closed) log.debug("rsync-client-dropped", { address, reason: messageOf(error) });
    } finally {
      leave();
      this.#clients.delete(stream);
    }
  }

  #hasRoomFor(address: string): boolean {
    const ofAddress = [...this.#clients.values()].filter((other) => other === address).length;
    return this.#clients.size < MAX_CLIENTS && ofAddress < MAX_CLIENTS_PER_ADDRESS;
  }
}
