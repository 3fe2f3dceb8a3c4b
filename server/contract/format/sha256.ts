/** The forms in which the format writes a SHA-256 (FIPS 180-4), and the names made from them. */
import { z } from "zod";

/** Raw, in tables of extents. */
export const SHA256_BYTES = 32;

const BASE64URL = /^[\w-]{43}$/;
const PACK_NAME = /^[0-9a-f]{64}\.pack$/;

/** base64url without padding: extents in manifests and captures. */
export function isBase64UrlSha256(value: unknown): value is string {
  return typeof value === "string" && BASE64URL.test(value);
}

/** Lower-case hexadecimal: packs, files, version ids. */
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

/** A pack's file, in the torrent and in the data directory. `sha256`: hexadecimal, of the whole file. */
export function packName(sha256: string): string {
  return `${sha256}.pack`;
}

export function isPackName(name: string): boolean {
  return PACK_NAME.test(name);
}

/** The hexadecimal SHA-256 in a pack's name. */
export function sha256OfPack(name: string): string {
  return name.slice(0, 2 * SHA256_BYTES);
}
