import type { PieceMap } from "../metainfo/piece_map.ts";
import type { Bitfield } from "../wire/bitfield.ts";
import { type Block, MAX_BLOCK_BYTES, WireError, type WireMessage } from "../wire/wire.ts";

/** Requests queued per peer. Sent to it as `reqq` (BEP 10). */
export const MAX_UPLOADS = 512;

interface UploadQueueOptions {
  readonly map: PieceMap;
  /** The pieces that we have. */
  readonly have: Bitfield;
  /** Both ends support the fast extension (BEP 6): a request that is not served gets a reject. */
  readonly fast: boolean;
  readonly send: (message: WireMessage) => void;
}

/** The blocks that one peer requested and will get. Pure. */
export class UploadQueue {
  /** In the order of their requests. The link takes them from the front. */
  readonly blocks: Block[] = [];
  readonly #options: UploadQueueOptions;

  constructor(options: UploadQueueOptions) {
    this.#options = options;
  }

  /**
   * Queues the block if it is `allowed`, we have it and there is room; else rejects it and returns false. Throws
   * WireError if there is no such block.
   */
  request({ piece, begin, length }: Block, { allowed }: { allowed: boolean }): boolean {
    const { map, have } = this.#options;
    if (
      piece >= map.pieceCount || length === 0 || length > MAX_BLOCK_BYTES ||
      begin + length > map.lengthOf(piece)
    ) throw new WireError(`it requests ${begin}+${length} of piece ${piece}`);
    const isServed = allowed && have.has(piece) && this.blocks.length < MAX_UPLOADS;
    if (isServed) this.blocks.push({ piece, begin, length });
    else this.#reject({ piece, begin, length });
    return isServed;
  }

  cancel({ piece, begin, length }: Block): void {
    const index = this.blocks.findIndex((block) => block.piece === piece && block.begin === begin);
    if (index < 0) return;
    this.blocks.splice(index, 1);
    this.#reject({ piece, begin, length });
  }

  /** We choke the peer: it gets none of them. */
  clear(): void {
    for (const block of this.blocks.splice(0)) this.#reject(block);
  }

  /** We cannot send a block that we offered. Without BEP 6 the peer would wait for it forever, so we disconnect. */
  refuse({ piece, begin, length }: Block): void {
    if (!this.#options.fast) {
      throw new WireError("it requests a piece that is damaged here, and does not support rejects");
    }
    this.#reject({ piece, begin, length });
  }

  #reject(block: Block): void {
    if (this.#options.fast) this.#options.send({ type: "reject", ...block });
  }
}
