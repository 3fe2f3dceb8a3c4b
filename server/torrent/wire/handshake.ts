import {
  type Bencodable,
  type Bencoded,
  BencodeError,
  decodeBencode,
  encodeBencode,
  isDictionary,
} from "../metainfo/bencode.ts";
import { toHex } from "../metainfo/hex.ts";

/**
 * What two peers say first (BEP 3):
 *
 *     19 u8 | "BitTorrent protocol" | reserved 8 | info hash 20 | peer id 20
 *
 * Reserved bits: byte 5 bit 0x10 extension protocol (BEP 10), byte 7 bit 0x04 fast extension (BEP 6).
 */
export interface Handshake {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  readonly fast: boolean;
  readonly extended: boolean;
}

export const HANDSHAKE_BYTES = 68;
const PROTOCOL = new TextEncoder().encode("\x13BitTorrent protocol");
/** Azureus-style client prefix (BEP 20) by which our own peers know one another. */
const OWN_PREFIX = "-RK0100-";

export function encodeHandshake({ infoHash, peerId, fast, extended }: Handshake): Uint8Array {
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  bytes.set(PROTOCOL);
  if (extended) bytes[25] = 0x10;
  if (fast) bytes[27] = 0x04;
  bytes.set(infoHash, 28);
  bytes.set(peerId, 48);
  return bytes;
}

/** Undefined where the bytes are no BitTorrent handshake. */
export function decodeHandshake(bytes: Uint8Array): Handshake | undefined {
  if (bytes.length !== HANDSHAKE_BYTES) return undefined;
  if (PROTOCOL.some((byte, index) => bytes[index] !== byte)) return undefined;
  return {
    infoHash: bytes.slice(28, 48),
    peerId: bytes.slice(48, 68),
    fast: ((bytes[27] ?? 0) & 0x04) !== 0,
    extended: ((bytes[25] ?? 0) & 0x10) !== 0,
  };
}

/** A peer id of ours: the prefix and twelve random letters. */
export function makePeerId(random: () => number): Uint8Array {
  const letters = Array.from({ length: 12 }, () => Math.floor(random() * 36).toString(36)).join("");
  return new TextEncoder().encode(OWN_PREFIX + letters);
}

export function isOwnPeerId(peerId: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(peerId.subarray(0, 8)) === OWN_PREFIX;
}

/** A peer id for people and for comparing: as it is where it prints, else hexadecimal. */
export function peerIdText(peerId: Uint8Array): string {
  const text = new TextDecoder("latin1").decode(peerId);
  return /^[\x21-\x7e]+$/.test(text) ? text : toHex(peerId);
}

/** The part of a BEP 10 handshake that concerns us. */
interface ExtendedHandshake {
  /** How many requests the peer is willing to queue. */
  readonly reqq?: number;
  /** The port it listens on. */
  readonly port?: number;
  /** A key of our own: it is a seed that suggests to everyone what to ask for. */
  readonly deals?: boolean;
}

export function encodeExtendedHandshake({ reqq, port, deals }: Required<ExtendedHandshake>): Uint8Array {
  return encodeBencode(
    new Map<string, Bencodable>([
      ["m", new Map()],
      ["p", port],
      ["reqq", reqq],
      ...(deals ? [["rk_deals", 1] as const] : []),
      ["v", "Rackseed"],
    ]),
  );
}

/** Anything odd in a peer's extension handshake is as if it were absent. */
export function decodeExtendedHandshake(payload: Uint8Array): ExtendedHandshake {
  const value = bencodedIn(payload);
  if (!isDictionary(value)) return {};
  const [reqq, port] = [value.get("reqq"), value.get("p")];
  return {
    ...(typeof reqq === "number" && reqq > 0 ? { reqq } : {}),
    ...(typeof port === "number" && port > 0 && port < 65_536 ? { port } : {}),
    ...(value.get("rk_deals") === 1 ? { deals: true } : {}),
  };
}

function bencodedIn(payload: Uint8Array): Bencoded | undefined {
  try {
    return decodeBencode(payload);
  } catch (error) {
    if (error instanceof BencodeError) return undefined;
    throw error;
  }
}
