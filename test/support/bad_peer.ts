import { makePeerId, peerIdText } from "#torrent/wire/handshake.ts";
import { encodeHandshake } from "#torrent/wire/handshake.ts";
import type { Metainfo } from "#torrent/metainfo/metainfo.ts";
import { type Introduction, PeerListener, writeAll } from "#torrent/session/peer_listener.ts";
import {
  type Block,
  BLOCK_HEADER_BYTES,
  encodeBlockHeader,
  encodedLength,
  encodeMessage,
  WireDecoder,
  type WireMessage,
} from "#torrent/wire/wire.ts";

/** How a peer that claims to have everything answers a request for a block. */
export type Misdeed =
  /** Nothing at all. */
  | "is silent"
  /** Rejects it (BEP 6). */
  | "refuses"
  /** Begins to send it, and stops in the middle for good. */
  | "stops in a block"
  /** Sends wrong bytes. */
  | "lies";

/** A misbehaving peer of a torrent, on a port of its own. */
export class BadPeer implements Disposable {
  readonly peerId = makePeerId(Math.random);
  /** The number of blocks requested from it. */
  asked = 0;
  readonly #misdeed: Misdeed;
  readonly #metainfo: Metainfo;
  readonly #listener = PeerListener.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #firstAsked = Promise.withResolvers<void>();

  constructor(misdeed: Misdeed, metainfo: Metainfo) {
    this.#misdeed = misdeed;
    this.#metainfo = metainfo;
    this.#listener.register(metainfo.infoHash, (introduction) => {
      // The other end may hang up at any moment.
      this.#serve(introduction).catch(() => {}).finally(() => introduction.connection.close());
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  get id(): string {
    return peerIdText(this.peerId);
  }

  /** Resolves at the first request for a block. */
  get firstAsked(): Promise<void> {
    return this.#firstAsked.promise;
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
  }

  async #serve({ connection }: Introduction): Promise<void> {
    const { infoHash, map } = this.#metainfo;
    const send = async (message: WireMessage) => {
      const bytes = new Uint8Array(encodedLength(message));
      encodeMessage(message, { into: new DataView(bytes.buffer), at: 0 });
      await writeAll(connection, bytes);
    };
    const received: WireMessage[] = [];
    const decoder = new WireDecoder(map.pieceCount, {
      message: (message) => void received.push(message),
      blockStart: () => {},
      blockData: () => {},
      blockEnd: () => {},
    });
    await writeAll(
      connection,
      encodeHandshake({ infoHash, peerId: this.peerId, fast: true, extended: false }),
    );
    await send({ type: "haveAll" });
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const got = await connection.read(buffer);
      if (got === null) return;
      decoder.push(buffer.subarray(0, got));
      for (const message of received.splice(0)) {
        if (message.type === "interested") await send({ type: "unchoke" });
        if (message.type !== "request") continue;
        this.asked++;
        this.#firstAsked.resolve();
        if (this.#misdeed === "refuses") await send({ ...message, type: "reject" });
        if (this.#misdeed === "lies") await writeAll(connection, wrongBlock(message));
        if (this.#misdeed === "stops in a block" && this.asked === 1) {
          await writeAll(
            connection,
            wrongBlock(message).subarray(0, BLOCK_HEADER_BYTES + message.length / 2),
          );
        }
      }
    }
  }
}

function wrongBlock(block: Block): Uint8Array {
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES + block.length).fill(0x5a);
  encodeBlockHeader(block, { into: new DataView(bytes.buffer), at: 0 });
  return bytes;
}
