/** A name of the table with its bytes: all that can be had here. */
export interface TorrentFile {
  /** "web@1.torrent": letters, digits and `. _ - @`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Since 1970. */
  readonly modifiedSeconds: number;
  /** All of it. Rejects where it is gone. */
  read(): Promise<Uint8Array>;
}
