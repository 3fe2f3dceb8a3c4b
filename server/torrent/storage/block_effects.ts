/** Where the blocks take effect that a peer or a web seed sends. */
export interface BlockEffects {
  /** Bytes to keep: `begin` is an offset in the piece. */
  store(piece: number, data: { begin: number; bytes: Uint8Array }): void;
  /** A block was broken off: the bytes of its piece that were stored are void. */
  blockAborted(piece: number): void;
  /** A block arrived in full. */
  blockReceived(piece: number, outcome: { complete: boolean; contested: boolean }): void;
}
