/** A file in the daemon's table. */
export interface TorrentFile {
  /** "web@1.torrent": letters, digits and `. _ - @`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly modifiedSeconds: number;
  /** Reads the whole file. Rejects if it no longer exists. */
  read(): Promise<Uint8Array>;
}
