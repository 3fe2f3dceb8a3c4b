import type { Picker, PickingPeer } from "../choice/picker.ts";
import type { BlockEffects } from "../storage/block_effects.ts";
import { type Block, STOCK_BLOCK_BYTES, WireError } from "../wire/wire.ts";

/** Bytes a peer may send unrequested before it is dropped. Blocks that cross our cancel are legal. */
const MAX_UNREQUESTED_BYTES = 64 * 1024 * 1024;

interface ArrivingBlock {
  readonly block: Block;
  /** Which of its 16 KiB units to keep: another peer may be delivering some of them. */
  readonly keep: "all" | "some" | "none";
  /** Offset in the piece of the next byte. */
  at: number;
}

/** Receives one peer's blocks, one at a time, and keeps the units that no other peer delivers. Pure. */
export class BlockReceiver {
  /** Payload bytes kept, and bytes that were of no use. */
  downloaded = 0;
  wasted = 0;
  readonly #source: PickingPeer;
  readonly #picker: Picker<PickingPeer>;
  readonly #effects: BlockEffects;
  #arriving: ArrivingBlock | undefined;
  #unrequestedBytes = 0;

  constructor(source: PickingPeer, { picker, effects }: {
    picker: Picker<PickingPeer>;
    effects: BlockEffects;
  }) {
    this.#source = source;
    this.#picker = picker;
    this.#effects = effects;
  }

  /** A block has started and not ended. */
  get isReceiving(): boolean {
    return this.#arriving !== undefined;
  }

  /** A block starts. Throws WireError if the peer has sent too much without being asked. */
  start(block: Block, { requested }: { requested: boolean }): void {
    const units = requested ? this.#picker.startBlock(this.#source, block) : 0;
    if (!requested) this.#unrequestedBytes += block.length;
    if (this.#unrequestedBytes > MAX_UNREQUESTED_BYTES) {
      throw new WireError("it sends too many blocks that were not requested");
    }
    const whole = units === Math.ceil(block.length / STOCK_BLOCK_BYTES);
    // An unrequested block never counts as received; a requested one always ends its request.
    this.#arriving = { block, keep: units === 0 ? "none" : whole ? "all" : "some", at: block.begin };
    if (requested && units === 0) this.#picker.release(block);
  }

  /** The next bytes of the block that is arriving, if any. */
  data(bytes: Uint8Array): void {
    const arriving = this.#arriving;
    if (!arriving) return;
    if (arriving.keep === "all") this.#keep(arriving.block.piece, { begin: arriving.at, bytes });
    else if (arriving.keep === "some") this.#keepSome(arriving.block.piece, { begin: arriving.at, bytes });
    else this.wasted += bytes.length;
    arriving.at += bytes.length;
  }

  end(): void {
    const arriving = this.#arriving;
    this.#arriving = undefined;
    if (!arriving || arriving.keep === "none") return;
    const { block } = arriving;
    this.#effects.blockReceived(block.piece, this.#picker.endBlock(this.#source, { block, whole: true }));
  }

  /** The connection has ended: the rest of the block will not come. */
  abort(): void {
    this.#giveUp();
    this.#arriving = undefined;
  }

  /** The peer stalled: the block is left to others, and whatever still comes of it is dropped. */
  discard(): void {
    this.#giveUp();
    if (this.#arriving) this.#arriving = { ...this.#arriving, keep: "none" };
  }

  #giveUp(): void {
    if (!this.#arriving || this.#arriving.keep === "none") return;
    const { block } = this.#arriving;
    this.#picker.endBlock(this.#source, { block, whole: false });
    this.#effects.blockAborted(block.piece);
  }

  /** Keeps the units that no other peer delivers, of bytes that may span any part of several units. */
  #keepSome(piece: number, { begin, bytes }: { begin: number; bytes: Uint8Array }): void {
    let at = 0;
    while (at < bytes.length) {
      const unitEnd = (Math.floor((begin + at) / STOCK_BLOCK_BYTES) + 1) * STOCK_BLOCK_BYTES;
      const end = Math.min(bytes.length, unitEnd - begin);
      const part = bytes.subarray(at, end);
      if (this.#picker.isReceiving(this.#source, { piece, begin: begin + at })) {
        this.#keep(piece, { begin: begin + at, bytes: part });
      } else {
        this.wasted += part.length;
      }
      at = end;
    }
  }

  #keep(piece: number, data: { begin: number; bytes: Uint8Array }): void {
    this.downloaded += data.bytes.length;
    this.#effects.store(piece, data);
  }
}
