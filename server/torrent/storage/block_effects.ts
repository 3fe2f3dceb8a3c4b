/** Where blocks from a peer or a web seed take effect. */
export interface BlockEffects {
  /** Bytes to keep: `begin` is an offset in the piece. */
  store(piece: number, data: { begin: number; bytes: Uint8Array }): void;
  /** A block broke off midway: what was stored of it will be written again. */
  blockAborted(piece: number): void;
  /** A block arrived in full. */
  blockReceived(piece: number, outcome: { complete: boolean; contested: boolean }): void;
}
