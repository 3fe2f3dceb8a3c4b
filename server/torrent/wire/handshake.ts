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
 * The handshake that opens a connection (BEP 3):
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
/** Azureus-style client prefix (BEP 20), by which Rackseed peers recognize each other. */
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

/** Undefined if the bytes are not a BitTorrent handshake. */
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

/** A Rackseed peer id: the prefix and twelve random letters or digits. */
export function makePeerId(random: () => number): Uint8Array {
  const letters = Array.from({ length: 12 }, () => Math.floor(random() * 36).toString(36)).join("");
  return new TextEncoder().encode(OWN_PREFIX + letters);
}

export function isOwnPeerId(peerId: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(peerId.subarray(0, 8)) === OWN_PREFIX;
}

/** A peer id as text, readable and comparable: as it is if printable, else hexadecimal. */
export function peerIdText(peerId: Uint8Array): string {
  const text = new TextDecoder("latin1").decode(peerId);
  return /^[\x21-\x7e]+$/.test(text) ? text : toHex(peerId);
}

/** The fields of a BEP 10 handshake that we use. */
interface ExtendedHandshake {
  /** How many requests the peer queues. */
  readonly reqq?: number;
  /** The port it listens on. */
  readonly port?: number;
  /** Our own key `rk_deals`: the peer is a seed that deals, that is, suggests to each peer what to request. */
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

/** A field with an invalid value counts as absent. */
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
