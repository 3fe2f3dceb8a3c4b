/**
 * The manifest of a version (FORMAT.md): JSON Lines with the header, then one line per frame, then one per entry. It is
 * checked completely when it is parsed, so that no other code has to.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { z } from "zod";
import { type BytePath, comparePaths, displayPath, parentOf } from "./byte_path.ts";
import { type Entry, formatFrameEntry, type FrameExtent, parseFrameEntry, parseFrameSlice } from "./entry.ts";
import { DiskLayout } from "./layout.ts";
import { linesOf } from "./lines.ts";
import { MAX_FRAME_BYTES } from "./sealed.ts";
import { Sha256Hex } from "./sha256.ts";

export const FORMAT = "rackseed-manifest";
export const FORMAT_VERSION = 1;

/** Largest manifest that is accepted: about four million entries. */
export const MAX_MANIFEST_BYTES = 1 << 30;

export const ImageName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
  error: "an image name is 1 to 63 of a-z 0-9 . _ - and starts with a letter or digit",
});

/** The machine that the version was captured from. */
export const Source = z.object({
  hostname: z.string().max(255),
  /** os-release: ID and VERSION_ID ("debian", "12"), PRETTY_NAME. */
  distribution: z.string().max(64),
  release: z.string().max(64),
  description: z.string().max(255),
  /** ID_LIKE ("rhel centos fedora"). */
  like: z.string().max(200).optional(),
  /** Machine name of uname(2) ("x86_64"). */
  architecture: z.string().max(32),
  firmware: z.enum(["bios", "uefi"]),
  /** The kernel that ran, and all kernels with modules, newest first (uname -r). */
  kernel: z.string().max(128),
  kernels: z.array(z.string().max(128)).max(64),
});
export type Source = z.infer<typeof Source>;

export const Totals = z.object({
  entries: z.int().min(0),
  files: z.int().min(0),
  /** Sum of the sizes of all files, holes included. */
  fileBytes: z.int().min(0),
  /** Stored bytes before compression, with each extent counted once. */
  extentBytes: z.int().min(0),
  /** Bytes of the sealed frames. */
  sealedBytes: z.int().min(0),
});
export type Totals = z.infer<typeof Totals>;

export const Header = z.object({
  format: z.literal(FORMAT),
  formatVersion: z.literal(FORMAT_VERSION),
  image: ImageName,
  version: z.int().min(1),
  /** The version that this one was captured against. */
  parent: z.int().min(1).optional(),
  /** ISO 8601, UTC. */
  created: z.iso.datetime(),
  /** Absent if the image came from a directory or a tar. */
  source: Source.optional(),
  layout: DiskLayout.optional(),
  excludes: z.array(z.string().max(4095)).max(10_000),
  /** What the capture could not keep: sockets, files that changed all the time, missing tools. */
  notes: z.array(z.string().max(8191)).max(10_000),
  totals: Totals,
  /** Packs in the order of the frames' pack numbers; each is a file of the torrent named `<sha256>.pack`. */
  packs: z.array(z.object({
    sha256: Sha256Hex,
    sizeBytes: z.int().min(0),
    /** Base64: the key of its frames, if the pack belongs to another lineage and so has another key than this one. */
    key: z.string().regex(/^[A-Za-z0-9+/]{43}=$/).optional(),
  })).max(65_536),
  /** How many frame lines follow the header. */
  frames: z.int().min(0),
});
export type Header = z.infer<typeof Header>;

const FrameLine = z.object({
  pack: z.int().min(0),
  at: z.int().min(0),
  size: z.int().min(1),
  raw: z.int().min(0).max(MAX_FRAME_BYTES),
  /** Parsed by `parseFrameSlice`, for speed: there is about one for each file. */
  extents: z.array(z.unknown()),
});

export interface Frame {
  readonly pack: number;
  /** Offset and length of the sealed frame in its pack. */
  readonly offset: number;
  readonly sealedBytes: number;
  readonly rawBytes: number;
  /** The extents of the frame that this version uses. */
  readonly extents: readonly FrameSlice[];
}

export interface FrameSlice {
  readonly sha256: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface Manifest {
  readonly header: Header;
  readonly frames: readonly Frame[];
  readonly entries: readonly Entry<FrameExtent>[];
}

/** The manifest's text as bytes. The version's id is the SHA-256 of these. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const lines = [JSON.stringify(manifest.header)];
  for (const frame of manifest.frames) {
    lines.push(JSON.stringify({
      pack: frame.pack,
      at: frame.offset,
      size: frame.sealedBytes,
      raw: frame.rawBytes,
      extents: frame.extents.map((e) => [e.sha256, e.offset, e.sizeBytes]),
    }));
  }
  for (const entry of manifest.entries) lines.push(formatFrameEntry(entry));
  return Buffer.from(lines.join("\n") + "\n");
}

/**
 * Parses and checks a manifest: a known format, frames inside their packs, extents inside their frames, sorted entries,
 * every entry inside a directory of the manifest and never below a symlink, hard links to earlier entries that are not
 * directories, file extents in order and within the file's size. The result needs no second check. Throws RangeError
 * that names the line.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { bytePathOfText } from "#contract/format/byte_path.ts";
 * import { decodeManifest, encodeManifest, type Manifest } from "#contract/format/manifest.ts";
 *
 * const owner = { mode: 0o755, uid: 0, gid: 0, mtimeSec: 0, mtimeNs: 0, xattrs: [] };
 * const manifest: Manifest = {
 *   header: {
 *     format: "rackseed-manifest",
 *     formatVersion: 1,
 *     image: "web",
 *     version: 1,
 *     created: "2026-01-01T00:00:00Z",
 *     excludes: [],
 *     notes: [],
 *     totals: { entries: 2, files: 0, fileBytes: 0, extentBytes: 0, sealedBytes: 0 },
 *     packs: [],
 *     frames: 0,
 *   },
 *   frames: [],
 *   entries: ["", "etc"].map((path) => ({ type: "directory", path: bytePathOfText(path), ...owner })),
 * };
 * assert.deepEqual(decodeManifest(encodeManifest(manifest)), manifest);
 * ```
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const work = decoding(bytes);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** The same, but leaves a third of this thread's time to other work, or as much as `rest` takes after each turn. */
export async function decodeManifestInTurns(
  bytes: Uint8Array,
  rest: (workedMs: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms / 2)),
): Promise<Manifest> {
  const work = decoding(bytes);
  for (;;) {
    const started = performance.now();
    const { done, value } = work.next();
    if (done) return value;
    await rest(performance.now() - started);
  }
}

/** Entries that are decoded without a pause. */
const TURN_ENTRIES = 100;

function* decoding(bytes: Uint8Array): Generator<undefined, Manifest> {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new RangeError(`manifest of ${bytes.length} bytes is too large`);
  }
  let lineNumber = 0;
  try {
    const lines = linesOf(bytes);
    const next = () => {
      lineNumber++;
      const { value, done } = lines.next();
      if (done) throw new RangeError("manifest is cut off");
      return value;
    };
    const header = parseHeader(next());
    const frames: Frame[] = [];
    for (let i = 0; i < header.frames; i++) frames.push(parseFrame(next(), header));
    const entries: Entry<FrameExtent>[] = [];
    const proof = new TreeProof(frames);
    for (let i = 0; i < header.totals.entries; i++) {
      const entry = parseFrameEntry(next());
      proof.accept(entry);
      entries.push(entry);
      if (i % TURN_ENTRIES === 0) yield;
    }
    if (!lines.next().done) throw new RangeError("manifest has a tail");
    return { header, frames, entries };
  } catch (error) {
    throw new RangeError(`manifest line ${lineNumber}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** The header line alone. Its error says so if the format is that of a later Rackseed. */
export function parseHeader(line: string): Header {
  const json: unknown = JSON.parse(line);
  const probe = z.object({ format: z.literal(FORMAT), formatVersion: z.int() }).safeParse(json);
  if (!probe.success) throw new RangeError("not a Rackseed manifest");
  if (probe.data.formatVersion !== FORMAT_VERSION) {
    throw new RangeError(
      `manifest format ${probe.data.formatVersion} is unknown; this Rackseed reads format ${FORMAT_VERSION}`,
    );
  }
  return Header.parse(json);
}

/** The key of each pack's frames. `own`: the key of the manifest's lineage. */
export function packKeys({ packs }: Pick<Header, "packs">, own: Uint8Array): Uint8Array[] {
  return packs.map(({ key }) => key === undefined ? own : Buffer.from(key, "base64"));
}

export function manifestId(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const SIGNED_PREFIX = "rackseed manifest v1\0";

/** Ed25519 (RFC 8032) over the prefix and the id's 32 bytes. `privateKey`: PKCS #8 PEM. Returns base64. */
export function signManifestId(id: string, privateKey: string): string {
  return sign(null, signedBytes(id), createPrivateKey(privateKey)).toString("base64");
}

/** `publicKey`: SPKI PEM. */
export function verifyManifestId(id: string, { signature, publicKey }: {
  signature: string;
  publicKey: string;
}): boolean {
  return verify(null, signedBytes(id), createPublicKey(publicKey), Buffer.from(signature, "base64"));
}

function signedBytes(id: string): Uint8Array {
  return Buffer.concat([Buffer.from(SIGNED_PREFIX), Buffer.from(id, "hex")]);
}

function parseFrame(line: string, header: Header): Frame {
  const json = FrameLine.parse(JSON.parse(line));
  const pack = header.packs[json.pack];
  if (pack === undefined || json.at + json.size > pack.sizeBytes) {
    throw new RangeError("frame outside its pack");
  }
  const extents = json.extents.map(parseFrameSlice);
  for (const e of extents) {
    if (e.offset + e.sizeBytes > json.raw) throw new RangeError("extent outside its frame");
  }
  return { pack: json.pack, offset: json.at, sealedBytes: json.size, rawBytes: json.raw, extents };
}

/** Checks the rules between entries, one entry at a time, in order. */
export class TreeProof {
  readonly #frames: readonly Frame[];
  readonly #directories = new Set<string>();
  /** Entries that hard links may refer to. */
  readonly #named = new Set<string>();
  #last: BytePath | undefined;

  constructor(frames: readonly Frame[]) {
    this.#frames = frames;
  }

  accept(entry: Entry<FrameExtent>): void {
    const shown = () => displayPath(entry.path);
    if (this.#last === undefined) {
      if (entry.path !== "" || entry.type !== "directory") {
        throw new RangeError("the first entry is not the root");
      }
    } else {
      if (comparePaths(this.#last, entry.path) >= 0) throw new RangeError(`${shown()} is out of order`);
      if (!this.#directories.has(parentOf(entry.path))) {
        throw new RangeError(`${shown()} is not in a directory`);
      }
    }
    this.#last = entry.path;
    if (entry.type === "directory") this.#directories.add(entry.path);
    else if (entry.type === "link") {
      if (this.#named.has(entry.target)) return;
      throw new RangeError(`${shown()} is a hard link to a missing file`);
    } else {
      if (entry.type === "file") this.#proveExtents(entry.extents, entry.sizeBytes);
      this.#named.add(entry.path);
    }
  }

  #proveExtents(extents: readonly FrameExtent[], sizeBytes: number): void {
    let end = 0;
    for (const { offset, frame, index } of extents) {
      const slice = this.#frames[frame]?.extents[index];
      if (slice === undefined) throw new RangeError("a file refers to a missing extent");
      if (offset < end) throw new RangeError("extents of a file overlap");
      end = offset + slice.sizeBytes;
    }
    if (end > sizeBytes) throw new RangeError("extents reach past the end of their file");
  }
}
