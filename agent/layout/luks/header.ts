/**
 * Reads the header of a LUKS volume: "LUKS2 On-Disk Format Specification" 1.1.1, §2 and §3; "LUKS1 On-Disk Format
 * Specification" 1.2.3, §2.1. No program is needed for it, and no key is read. Pure.
 */
import { z } from "zod";

/** A LUKS2 header's JSON may be larger than this first part of it. */
export const LUKS_START_BYTES = 4096;
const MAGIC = [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe];
const AT = { version: 6, cipher: 8, mode: 40, keyBytes: 108, uuid: 168, headerBytes: 8, label: 24 };
/** The sizes that the specification allows are 16 KiB to 4 MiB. */
const MAX_HEADER_BYTES = 4 << 20;

export interface LuksHeader {
  readonly version: 1 | 2;
  readonly uuid: string;
  readonly label: string;
  readonly cipher: string;
  readonly keyBits: number;
  readonly sectorBytes: number;
  readonly flags: readonly string[];
  /** Types of tokens; "passphrase" if a key slot belongs to no token. */
  readonly ways: readonly string[];
  /** Why a clone's cannot be created like it. */
  readonly obstacle?: string;
}

const Metadata = z.object({
  keyslots: z.record(z.string(), z.object({ type: z.string(), key_size: z.int().optional() })),
  tokens: z.record(z.string(), z.object({ type: z.string(), keyslots: z.array(z.string()).default([]) })),
  segments: z.record(
    z.string(),
    z.object({
      type: z.string(),
      encryption: z.string().optional(),
      sector_size: z.int().optional(),
      integrity: z.unknown().optional(),
      flags: z.array(z.string()).default([]),
    }),
  ),
  config: z.object({
    flags: z.array(z.string()).default([]),
    requirements: z.object({ mandatory: z.array(z.string()).default([]) }).optional(),
  }),
});

/** How many bytes of the device `parseLuksHeader` needs; undefined if it has no LUKS header at its start. */
export function luksHeaderBytes(start: Uint8Array): number | undefined {
  if (start.length < LUKS_START_BYTES || MAGIC.some((byte, i) => start[i] !== byte)) return undefined;
  const view = viewOf(start), version = view.getUint16(AT.version);
  if (version === 1) return LUKS_START_BYTES;
  const bytes = Number(view.getBigUint64(AT.headerBytes));
  return version === 2 && bytes > LUKS_START_BYTES && bytes <= MAX_HEADER_BYTES ? bytes : undefined;
}

/** Throws RangeError if this is not a LUKS header of version 1 or 2. */
export function parseLuksHeader(bytes: Uint8Array): LuksHeader {
  const needed = luksHeaderBytes(bytes.subarray(0, LUKS_START_BYTES));
  if (needed === undefined) throw new RangeError("not a LUKS header");
  if (bytes.length < needed) throw new RangeError("the LUKS header is truncated");
  return viewOf(bytes).getUint16(AT.version) === 1
    ? parseFirst(bytes)
    : parseSecond(bytes.subarray(0, needed));
}

function parseFirst(bytes: Uint8Array): LuksHeader {
  return {
    version: 1,
    uuid: textAt(bytes, AT.uuid, 40),
    label: "",
    cipher: `${textAt(bytes, AT.cipher, 32)}-${textAt(bytes, AT.mode, 32)}`,
    keyBits: viewOf(bytes).getUint32(AT.keyBytes) * 8,
    sectorBytes: 512,
    flags: [],
    ways: ["passphrase"],
    obstacle: "LUKS of version 1 is not rebuilt: convert it with cryptsetup convert --type luks2",
  };
}

function parseSecond(bytes: Uint8Array): LuksHeader {
  const { keyslots, tokens, segments, config } = metadataOf(bytes);
  const all = Object.values(segments), [segment] = all.filter(({ type }) => type === "crypt");
  const claimed = new Set(Object.values(tokens).flatMap((token) => token.keyslots));
  const free = Object.entries(keyslots).some(([slot, { type }]) => type === "luks2" && !claimed.has(slot));
  const keyBytes = Object.values(keyslots).map(({ type, key_size = 0 }) => type === "luks2" ? key_size : 0);
  const obstacle = (config.requirements?.mandatory.length ?? 0) > 0
    ? "it is being reencrypted: wait until cryptsetup reencrypt has ended"
    : all.some(({ type }) => type.startsWith("hw-opal"))
    ? "the disk itself encrypts it (OPAL): encrypt it in software to rebuild it"
    : segment === undefined || all.length > 1
    ? "its header has segments of an unknown kind"
    : segment.integrity !== undefined
    ? "LUKS with integrity protection is not rebuilt: encrypt it without --integrity"
    : undefined;
  return {
    version: 2,
    uuid: textAt(bytes, AT.uuid, 40),
    label: textAt(bytes, AT.label, 48),
    cipher: segment?.encryption ?? "",
    keyBits: Math.max(0, ...keyBytes) * 8,
    sectorBytes: segment?.sector_size ?? 512,
    flags: config.flags,
    ways: [...new Set([...Object.values(tokens).map(({ type }) => type), ...free ? ["passphrase"] : []])],
    ...(obstacle !== undefined && { obstacle }),
  };
}

function metadataOf(bytes: Uint8Array): z.infer<typeof Metadata> {
  const area = bytes.subarray(LUKS_START_BYTES), end = area.indexOf(0);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(end < 0 ? area : area.subarray(0, end));
    return Metadata.parse(JSON.parse(text));
  } catch (error) {
    throw new RangeError("the metadata of the LUKS header cannot be read", { cause: error });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Text of at most `length` bytes, ended by a NUL. */
function textAt(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length), end = field.indexOf(0);
  return new TextDecoder("latin1").decode(end < 0 ? field : field.subarray(0, end));
}
