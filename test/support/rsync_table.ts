import { randomBytes } from "node:crypto";
import { RsyncDaemon } from "../../server/rsync/daemon.ts";
import type { SessionLimits } from "../../server/rsync/session.ts";
import type { TorrentFile } from "../../server/rsync/torrent_file.ts";

/** Names and sizes: an empty file, a small one, and some that always need several packets. */
const SIZES = {
  "db@1.torrent": 0,
  "web@1.torrent": 1000,
  "web@10.torrent": 123_456,
  "web@2.torrent": 700_000,
};

export class RsyncTable implements Disposable {
  readonly bytes = new Map<string, Uint8Array>(
    Object.entries(SIZES).map(([name, size]) => [name, new Uint8Array(randomBytes(size))]),
  );
  readonly modifiedSeconds = 1_700_000_000;
  readonly #daemon: RsyncDaemon;

  constructor(limits?: SessionLimits) {
    this.#daemon = RsyncDaemon.listen({ hostname: "127.0.0.1", port: 0 }, {
      files: () => this.#files(),
      ...(limits && { limits }),
    });
  }

  get port(): number {
    return this.#daemon.port;
  }

  get url(): string {
    return `rsync://127.0.0.1:${this.port}`;
  }

  [Symbol.dispose](): void {
    this.#daemon[Symbol.dispose]();
  }

  #files(): TorrentFile[] {
    return [...this.bytes].map(([name, bytes]) => ({
      name,
      sizeBytes: bytes.length,
      modifiedSeconds: this.modifiedSeconds,
      read: () => Promise.resolve(bytes),
    }));
  }
}
