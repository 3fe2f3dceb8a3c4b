import { getLogger } from "@logtape/logtape";
import type { Picker } from "../choice/picker.ts";
import type { PeerIdentity } from "../ports.ts";
import { CorruptionTracker } from "../storage/corruption_tracker.ts";
import type { PieceAssembler } from "../storage/piece_assembler.ts";
import type { WebSeed } from "../web_seed/web_seed.ts";
import type { WebSeeds } from "../web_seed/web_seeds.ts";
import type { Membership } from "./membership.ts";
import type { Peer } from "./peer.ts";

const log = getLogger(["rackseed", "swarm"]);

interface CompletionOptions {
  readonly picker: Picker<Peer | WebSeed>;
  readonly assembler: PieceAssembler;
  readonly membership: Membership;
  readonly webSeeds: WebSeeds;
  /** Names the torrent in log events. */
  readonly subject: { readonly torrent: string; readonly infoHash: string };
  /** The piece is stored and verified, and the peers' "have" messages are queued. */
  readonly onVerified: (piece: number) => void;
}

/** Verifies pieces as their last block arrives, and bans those who sent corrupt ones. */
export class PieceCompletion {
  /** Peers and web seeds that sent corrupt data. */
  readonly banned: PeerIdentity[] = [];
  readonly #options: CompletionOptions;
  readonly #corruption = new CorruptionTracker<PeerIdentity>();

  constructor(options: CompletionOptions) {
    this.#options = options;
  }

  /** A block arrived in full. `complete` and `contested` as `Picker.endBlock` returns them. */
  blockReceived(
    source: Peer | WebSeed,
    { piece, complete, contested }: { piece: number; complete: boolean; contested: boolean },
  ): void {
    const { assembler, membership, webSeeds } = this.#options;
    if (contested) {
      for (const peer of membership.peers) if (peer !== source) peer.cancelObsolete(piece);
      webSeeds.cancelObsolete(piece, source);
    }
    if (!complete) return;
    if (assembler.verify(piece)) this.#verified(piece);
    else this.#corrupt(piece);
  }

  #verified(piece: number): void {
    const { assembler, membership, picker, onVerified } = this.#options;
    picker.verified(piece);
    for (const culprit of this.#corruption.pieceVerified(piece, () => assembler.unitDigests(piece))) {
      this.#ban(culprit, piece);
    }
    for (const peer of membership.peers) peer.sendHave(piece);
    onVerified(piece);
  }

  #corrupt(piece: number): void {
    const { assembler, picker, subject } = this.#options;
    const sources = picker.sourcesOf(piece).map((peer) => peer?.identity);
    picker.failed(piece);
    log.warn("piece-corrupt", { ...subject, piece });
    const culprit = this.#corruption.pieceFailed(piece, {
      sources,
      digests: () => assembler.unitDigests(piece),
    });
    if (culprit) this.#ban(culprit, piece);
  }

  #ban(identity: PeerIdentity, piece: number): void {
    const { membership, webSeeds, subject } = this.#options;
    if (this.banned.some(({ peerId }) => peerId === identity.peerId)) return;
    this.banned.push(identity);
    log.warn("peer-banned", { ...subject, ...identity, piece });
    if (!webSeeds.ban(identity)) membership.ban(identity);
  }
}
