/** A read-only rsync daemon for one module, `torrents`: a table of names, never a folder. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { RsyncStream } from "#contract/rsync/stream.ts";
import { serveSession } from "./session.ts";
import type { TorrentFile } from "./torrent_file.ts";

const MAX_CLIENTS = 256;
const MAX_CLIENTS_PER_ADDRESS = 32;
const IDLE_MS = 30_000;
/** What a client may say in all: block sums of an old file are the most of it. */
const MAX_READ_BYTES = 32 * 1024 * 1024;
/** No client lasts as long: its own limits come first (session.ts). */
const TOTAL_MS = 15 * 60_000;

const log = getLogger(["rackseed", "rsync"]);

/** Runs until disposed. */
export class RsyncDaemon implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #files: () => readonly TorrentFile[];
  readonly #clients = new Map<RsyncStream, string>();
  #closed = false;

  private constructor(listener: Deno.TcpListener, files: () => readonly TorrentFile[]) {
    this.#listener = listener;
    this.#files = files;
  }

  /** Port 0 takes a free one. `files`: the table as it is at that moment. */
  static listen(
    { hostname, port }: { hostname: string; port: number },
    { files }: { files: () => readonly TorrentFile[] },
  ): RsyncDaemon {
    const daemon = new RsyncDaemon(Deno.listen({ hostname, port, transport: "tcp" }), files);
    daemon.#acceptAll().catch((error) => log.error("rsync-failed", { error: messageOf(error) }));
    return daemon;
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#listener.close();
    for (const stream of this.#clients.keys()) stream[Symbol.dispose]();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#closed) {
      let connection: Deno.TcpConn;
      try {
        connection = await this.#listener.accept();
      } catch (error) {
        if (this.#closed) return;
        // out of file descriptors, most likely: it passes when clients end
        log.warn("rsync-accept-failed", { error: messageOf(error) });
        await new Promise((resolve) => setTimeout(resolve, 200));
        continue;
      }
      this.#serve(connection);
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const { hostname: address } = connection.remoteAddr;
    using stream = new RsyncStream(connection, {
      idleMs: IDLE_MS,
      totalMs: TOTAL_MS,
      maxReadBytes: MAX_READ_BYTES,
    });
    try {
      if (!this.#hasRoomFor(address)) return await turnAway(stream);
      this.#clients.set(stream, address);
      await serveSession(stream, this.#files);
    } catch (error) {
      if (!this.#closed) log.debug("rsync-client-dropped", { address, reason: messageOf(error) });
    } finally {
      this.#clients.delete(stream);
    }
  }

  #hasRoomFor(address: string): boolean {
    const ofAddress = [...this.#clients.values()].filter((other) => other === address).length;
    return this.#clients.size < MAX_CLIENTS && ofAddress < MAX_CLIENTS_PER_ADDRESS;
  }
}

async function turnAway(stream: RsyncStream): Promise<void> {
  stream.write(new TextEncoder().encode("@ERROR: max connections reached -- try again later\n"));
  await stream.flush();
}
