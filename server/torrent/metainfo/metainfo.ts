import { createHash } from "node:crypto";
import { RackseedError } from "#contract/errors.ts";
import {
  type Bencodable,
  type Bencoded,
  type BencodedDictionary,
  decodeBencode,
  encodeBencode,
  isDictionary,
} from "./bencode.ts";
import { PieceMap, type TorrentFile } from "./piece_map.ts";

/** The length of a SHA-1 (BEP 3). */
export const PIECE_HASH_BYTES = 20;

/**
 * The metainfo of a private multi-file torrent (BEP 3, BEP 27), a bencoded dictionary:
 *
 *     announce       first tracker URL                         added by encodeMetainfo
 *     announce-list  tiers of tracker URLs (BEP 12)            added by encodeMetainfo
 *     url-list       web seeds (BEP 19), each ending in "/"    added by encodeMetainfo
 *     info           { files: [{ length, path: [name] }], name, piece length, pieces, private: 1 }
 *
 * Only `info` is hashed, so trackers and web seeds may change without changing the info hash.
 */
export interface Info {
  /** The torrent's name: the folder that a stock client creates. */
  readonly name: string;
  readonly files: readonly TorrentFile[];
  /** Bytes per piece: a power of two. */
  readonly pieceLength: number;
  /** The SHA-1 of every piece, 20 bytes each. */
  readonly pieceHashes: Uint8Array;
}

export interface Metainfo {
  readonly info: Info;
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  readonly map: PieceMap;
  /** Tiers of tracker URLs (BEP 12). */
  readonly announce: readonly (readonly string[])[];
  readonly webSeeds: readonly string[];
}

const MIN_PIECE_LENGTH = 16 * 1024;
const MAX_PIECE_LENGTH = 16 * 1024 * 1024;
export const MAX_METAINFO_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 65_536;
const MAX_PIECES = 1_000_000;
const MAX_URLS = 64;
/** Four per file (its dictionary, length, path and name), and the URLs. */
const MAX_VALUES = 4 * MAX_FILES + 10_000;

/** One path component that is safe on every system: no separator, no leading dot, no control character. */
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._@+=-]{0,254}$/;

export function encodeMetainfo(
  info: Info,
  { announce, webSeeds }: { announce: readonly string[]; webSeeds: readonly string[] },
): Uint8Array {
  const torrent = new Map<string, Bencodable>([["info", infoDictionary(info)]]);
  if (announce[0] !== undefined) torrent.set("announce", announce[0]);
  // one tier per URL: a client tries the next tracker only if the one before does not answer
  if (announce.length > 1) torrent.set("announce-list", announce.map((url) => [url]));
  if (webSeeds.length > 0) torrent.set("url-list", webSeeds);
  return encodeBencode(torrent);
}

/** The torrent's identity: SHA-1 of the bencoded info dictionary, 20 bytes. */
export function infoHashOf(info: Info): Uint8Array {
  return createHash("sha1").update(encodeBencode(infoDictionary(info))).digest();
}

/** Metainfo for a new info, without trackers and web seeds. */
export function metainfoOf(info: Info): Metainfo {
  return {
    info,
    infoHash: infoHashOf(info),
    map: new PieceMap(info.files, info.pieceLength),
    announce: [],
    webSeeds: [],
  };
}

/**
 * Parses and validates a torrent file. Accepts only what Rackseed writes: private, multi-file, names that are
 * single safe path components, canonical bencoding (so that the info hash is that of the received bytes). Throws
 * RackseedError.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodeMetainfo, infoHashOf, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
 *
 * const info = {
 *   name: "web@3",
 *   files: [{ name: "a.pack", length: 40_000 }],
 *   pieceLength: 16_384,
 *   pieceHashes: new Uint8Array(3 * 20),
 * };
 * const torrent = encodeMetainfo(info, { announce: ["http://10.0.0.1/announce"], webSeeds: [] });
 * const { infoHash, map } = parseMetainfo(torrent);
 * assert.deepEqual(infoHash, infoHashOf(info));
 * assert.equal(map.pieceCount, 3);
 * ```
 */
export function parseMetainfo(bytes: Uint8Array): Metainfo {
  if (bytes.length > MAX_METAINFO_BYTES) refuse(`it is larger than ${MAX_METAINFO_BYTES} bytes`);
  const root = dictionary(decode(bytes), "the torrent");
  const info = parseInfo(dictionary(root.get("info"), "info"));
  const first = root.get("announce") === undefined ? [] : [[url(root.get("announce"), "announce")]];
  const tiers = root.get("announce-list") === undefined
    ? first
    : list(root.get("announce-list"), { what: "announce-list", max: MAX_URLS }).map((tier) =>
      list(tier, { what: "announce-list", max: MAX_URLS }).map((item) => url(item, "announce-list"))
    );
  const webSeeds = root.get("url-list") === undefined
    ? []
    : list(root.get("url-list"), { what: "url-list", max: MAX_URLS }).map((item) => url(item, "url-list"));
  return { ...metainfoOf(info), announce: tiers, webSeeds };
}

/** A piece length that gives about two thousand pieces, between 256 KiB and 4 MiB. */
export function choosePieceLength(totalLength: number): number {
  let length = 256 * 1024;
  while (length < 4 * 1024 * 1024 && totalLength / length > 2048) length *= 2;
  return length;
}

/** The rules shared by creation and parsing. Throws RackseedError if one is broken. */
export function validateInfo(info: Info): void {
  if (!SAFE_NAME.test(info.name)) refuse(`the name ${JSON.stringify(info.name)} is not a safe name`);
  if (info.files.length === 0) refuse("it has no files");
  const seen = new Set<string>();
  let total = 0;
  for (const { name, length } of info.files) {
    if (!SAFE_NAME.test(name)) refuse(`the file name ${JSON.stringify(name)} is not a safe name`);
    if (seen.has(name)) refuse(`the file name ${name} occurs twice`);
    if (!Number.isSafeInteger(length) || length < 0) refuse(`the length of ${name} is not valid`);
    seen.add(name);
    total += length;
  }
  const { pieceLength } = info;
  if (
    pieceLength < MIN_PIECE_LENGTH || pieceLength > MAX_PIECE_LENGTH ||
    (pieceLength & (pieceLength - 1)) !== 0
  ) refuse(`the piece length ${pieceLength} is not a power of two from 16 KiB to 16 MiB`);
  const pieces = Math.ceil(total / pieceLength);
  if (!Number.isSafeInteger(total) || total === 0) refuse("it has no content");
  if (pieces > MAX_PIECES) refuse(`it has more than ${MAX_PIECES} pieces`);
  if (info.pieceHashes.length !== pieces * PIECE_HASH_BYTES) {
    refuse(`it needs ${pieces} piece hashes and has another number`);
  }
}

/** A view of one piece's hash in `pieceHashes`. */
export function pieceHash(pieceHashes: Uint8Array, piece: number): Uint8Array {
  return pieceHashes.subarray(piece * PIECE_HASH_BYTES, (piece + 1) * PIECE_HASH_BYTES);
}

function infoDictionary(info: Info): ReadonlyMap<string, Bencodable> {
  const files = info.files.map(({ name, length }) =>
    new Map<string, Bencodable>([["length", length], ["path", [name]]])
  );
  return new Map<string, Bencodable>([
    ["files", files],
    ["name", info.name],
    ["piece length", info.pieceLength],
    ["pieces", info.pieceHashes],
    ["private", 1],
  ]);
}

function parseInfo(info: BencodedDictionary): Info {
  if (info.get("private") !== 1) refuse("it is not private");
  const parsed: Info = {
    name: text(info.get("name"), "name"),
    files: list(info.get("files"), { what: "files", max: MAX_FILES }).map((item) => {
      const file = dictionary(item, "a file");
      const path = list(file.get("path"), { what: "path", max: 1 });
      return { name: text(path[0], "path"), length: integer(file.get("length"), "length") };
    }),
    pieceLength: integer(info.get("piece length"), "piece length"),
    pieceHashes: byteString(info.get("pieces"), "pieces"),
  };
  validateInfo(parsed);
  return parsed;
}

function decode(bytes: Uint8Array): Bencoded {
  let value: Bencoded;
  try {
    value = decodeBencode(bytes, { maxValues: MAX_VALUES });
  } catch (cause) {
    refuse("it is not bencoded", cause);
  }
  if (!sameBytes(encodeBencode(value), bytes)) refuse("it is not in canonical bencoding");
  return value;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

type Part = Bencoded | undefined;

function dictionary(value: Part, what: string): BencodedDictionary {
  if (!isDictionary(value)) refuse(`${what} is not a dictionary`);
  return value;
}

function list(value: Part, { what, max }: { what: string; max: number }): readonly Bencoded[] {
  if (!Array.isArray(value) || value.length > max) refuse(`${what} is not a list of at most ${max}`);
  return value;
}

function integer(value: Part, what: string): number {
  if (typeof value !== "number") refuse(`${what} is not an integer`);
  return value;
}

function byteString(value: Part, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) refuse(`${what} is not a string`);
  return value;
}

function text(value: Part, what: string): string {
  return new TextDecoder().decode(byteString(value, what));
}

function url(value: Part, what: string): string {
  const string = text(value, what);
  if (!/^(https?|udp):$/.test(URL.parse(string)?.protocol ?? "")) refuse(`${what} holds a bad URL`);
  return string;
}

function refuse(reason: string, cause?: unknown): never {
  throw new RackseedError("cannot use the torrent file", {
    reason: `${reason}.`,
    remedy: "fetch it again from the image server or, if that does not help, publish the version again.",
    status: 422,
    cause,
  });
}
