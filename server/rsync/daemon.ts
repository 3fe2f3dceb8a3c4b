/** A read-only rsync daemon with one module, `torrents`. It serves a table of names, never a folder. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { connectionsOf } from "../connections/accept.ts";
import { Newcomers } from "../connections/newcomers.ts";
import { RsyncStream } from "#rsync/stream.ts";
import { serveSession, type SessionLimits } from "./session.ts";
import type { TorrentFile } from "./torrent_file.ts";

/** Limits on clients that have named the module. */
const MAX_CLIENTS = 256;
const MAX_CLIENTS_PER_ADDRESS = 32;
const NEWCOMERS = { total: 256, perAddress: 64 };
const LIMITS: SessionLimits = { handshakeMs: 15_000, transferMs: 10 * 60_000 };
const IDLE_MS = 30_000;
/** The most a client may send in total. Most of it would be block checksums of an older file. */
const MAX_READ_BYTES = 32 * 1024 * 1024;

const log = getLogger(["rackseed", "rsync"]);

interface DaemonOptions {
  /** Returns the current table. Called once per client. */
  readonly files: () => readonly TorrentFile[];
  readonly limits?: SessionLimits;
}

/**
 * Listens and serves clients until disposed.
 *
 * @example
 * ```ts
 * import { RsyncDaemon } from "./daemon.ts";
 *
 * async function serve(torrent: Uint8Array, until: Promise<void>) {
 *   const file = {
 *     name: "web@1.torrent",
 *     sizeBytes: torrent.length,
 *     modifiedSeconds: 1_700_000_000,
 *     read: () => Promise.resolve(torrent),
 *   };
 *   // rsync rsync://127.0.0.1:8730/torrents/web@1.torrent .
 *   using _daemon = RsyncDaemon.listen({ hostname: "127.0.0.1", port: 8730 }, { files: () => [file] });
 *   await until;
 * }
 * ```
 */
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

  /** Port 0 picks a free one. Throws what Deno.listen throws. */
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
