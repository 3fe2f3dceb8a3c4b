import { Bitfield } from "../wire/bitfield.ts";

/**
 * The pieces that this node fetches from other racks on behalf of its own. Every node of a rack computes the same split
 * from the peer ids it sees (rendezvous hashing), so each piece crosses the link between racks once, and a node that
 * joins or leaves moves only its own share.
 */
export function gatewayShare(
  pieceCount: number,
  { ownId, neighbourIds }: { ownId: string; neighbourIds: readonly string[] },
): Bitfield {
  const own = hash(ownId);
  const others = neighbourIds.map(hash);
  const share = new Bitfield(pieceCount);
  for (let piece = 0; piece < pieceCount; piece++) {
    const mine = mix(own, piece);
    if (others.every((other) => mix(other, piece) <= mine)) share.add(piece);
  }
  return share;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** The finalizer of MurmurHash3, so that adjacent pieces go to different nodes. */
function mix(node: number, piece: number): number {
  let value = node ^ Math.imul(piece + 1, 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
