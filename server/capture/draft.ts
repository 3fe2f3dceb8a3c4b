import { CaptureHeader } from "#contract/api.ts";
import type { Entry, FrameExtent, HashedExtent } from "#contract/entry.ts";
import { formatFrameEntry, parseHashedEntry } from "#contract/entry.ts";
import { RackseedError } from "#contract/errors.ts";
import {
  encodeManifest,
  type Frame,
  type FrameSlice,
  type Header,
  type Manifest,
  MAX_MANIFEST_BYTES,
  type Totals,
  TreeProof,
} from "#contract/manifest.ts";
import type { ExtentPlace } from "../store/extents.ts";
import type { StoredFrame } from "../store/packs.ts";

const LINES_PER_PIECE = 4096;
/** The rest of what a manifest may have is left to its frames. */
const MAX_ENTRIES_BYTES = MAX_MANIFEST_BYTES / 4 * 3;

/** Looks up in the store. */
export interface Places {
  find(sha256: Uint8Array): ExtentPlace | undefined;
  frame(id: number): StoredFrame & { readonly pack: number } | undefined;
}

interface DraftFrame extends Frame {
  readonly extents: FrameSlice[];
}

/**
 * A version's manifest in the making. Entries come one by one; each is proven, its extents are looked up, and
 * its line is written at once. Frames and packs are numbered in the order in which entries first need them: the
 * order in which they were sent.
 */
export class Draft {
  readonly #places: Places;
  readonly #frames: DraftFrame[] = [];
  readonly #frameNumbers = new Map<number, number>();
  readonly #packNumbers = new Map<number, number>();
  /** By SHA-256 in base64url; undefined where the store lacks it. */
  readonly #extents = new Map<string, { frame: number; index: number; sizeBytes: number } | undefined>();
  readonly #entries: Entry<FrameExtent>[] = [];
  readonly #proof = new TreeProof(this.#frames);
  readonly #pieces: Uint8Array[] = [];
  #lines: string[] = [];
  #textBytes = 0;
  #totals = { entries: 0, files: 0, fileBytes: 0, extentBytes: 0, sealedBytes: 0 };
  #missing = 0;

  constructor(places: Places) {
    this.#places = places;
  }

  /** Ids of the packs that the version needs, in their order. */
  get packs(): number[] {
    return [...this.#packNumbers.keys()];
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** How many different extents the entries name that the store does not have. */
  get missing(): number {
    return this.#missing;
  }

  /** Throws RangeError where the entry cannot stand in a manifest at this place. */
  add(entry: Entry<HashedExtent>): void {
    this.#totals.entries++;
    let placed: Entry<FrameExtent>;
    if (entry.type === "file") {
      this.#totals.files++;
      this.#totals.fileBytes += entry.sizeBytes;
      placed = { ...entry, extents: this.#place(entry.extents) };
    } else placed = entry;
    this.#proof.accept(placed);
    this.#entries.push(placed);
    this.#lines.push(formatFrameEntry(placed));
    if (this.#lines.length === LINES_PER_PIECE) this.#endPiece();
  }

  /** The manifest as `decodeManifest` would read it out of `encode`: every entry was proven when it came. */
  manifest(header: Header): Manifest {
    return { header, frames: this.#frames, entries: this.#entries };
  }

  /** The manifest's text. */
  encode(header: Header): Uint8Array {
    this.#endPiece();
    const head = encodeManifest({ header, frames: this.#frames, entries: [] });
    return Buffer.concat([head, ...this.#pieces]);
  }

  /** How many frames the version uses. */
  get frames(): number {
    return this.#frames.length;
  }

  #endPiece(): void {
    if (this.#lines.length === 0) return;
    const piece = Buffer.from(this.#lines.join("\n") + "\n");
    this.#lines = [];
    this.#textBytes += piece.length;
    if (this.#textBytes > MAX_ENTRIES_BYTES) throw new RangeError("the image has too many entries");
    this.#pieces.push(piece);
  }

  #place(extents: readonly HashedExtent[]): FrameExtent[] {
    const placed: FrameExtent[] = [];
    for (const { offset, sizeBytes, sha256 } of extents) {
      const extent = this.#extents.has(sha256) ? this.#extents.get(sha256) : this.#lookUp(sha256);
      if (extent === undefined) continue;
      if (extent.sizeBytes !== sizeBytes) throw new RangeError("an extent has another size than its content");
      placed.push({ offset, frame: extent.frame, index: extent.index });
    }
    return placed;
  }

  #lookUp(sha256: string) {
    const place = this.#places.find(Buffer.from(sha256, "base64url"));
    const frame = place && this.#frameNumber(place.frame);
    let extent: { frame: number; index: number; sizeBytes: number } | undefined;
    if (place === undefined || frame === undefined) this.#missing++;
    else {
      const { extents } = this.#frames[frame] as DraftFrame;
      extent = { frame, index: extents.length, sizeBytes: place.sizeBytes };
      extents.push({ sha256, offset: place.at, sizeBytes: place.sizeBytes });
      this.#totals.extentBytes += place.sizeBytes;
    }
    this.#extents.set(sha256, extent);
    return extent;
  }

  #frameNumber(id: number): number | undefined {
    const known = this.#frameNumbers.get(id);
    if (known !== undefined) return known;
    const frame = this.#places.frame(id);
    if (frame === undefined) return undefined;
    const { pack, at, sealedBytes, rawBytes } = frame;
    const packNumber = this.#packNumbers.get(pack) ?? this.#packNumbers.size;
    this.#packNumbers.set(pack, packNumber);
    this.#frames.push({ pack: packNumber, offset: at, sealedBytes, rawBytes, extents: [] });
    this.#totals.sealedBytes += sealedBytes;
    this.#frameNumbers.set(id, this.#frames.length - 1);
    return this.#frames.length - 1;
  }
}

/**
 * Reads an upload of entries (CaptureHeader, then one line an entry) into a draft. Throws RackseedError: 400
 * where a line cannot stand, 409 where extents are missing.
 */
export async function readDraft(
  lines: AsyncIterable<readonly string[]>,
  places: Places,
): Promise<{ header: CaptureHeader; draft: Draft }> {
  const draft = new Draft(places);
  let header: CaptureHeader | undefined;
  let number = 0;
  try {
    for await (const some of lines) {
      for (const line of some) {
        number++;
        if (header === undefined) header = CaptureHeader.parse(JSON.parse(line));
        else if (draft.totals.entries === header.entries) throw new RangeError("more entries than announced");
        else draft.add(parseHashedEntry(line));
      }
    }
    if (header === undefined || header.entries === 0) throw new RangeError("the list of entries is empty");
    if (draft.totals.entries < header.entries) {
      throw new RangeError(`${draft.totals.entries} of ${header.entries} entries came`);
    }
  } catch (error) {
    if (error instanceof RackseedError) throw error;
    throw new RackseedError("cannot take the list of entries", {
      reason: `line ${number}: ${error instanceof Error ? error.message : error}`,
      remedy: "use the same version of rackseed on both sides; then capture again.",
      status: 400,
      cause: error,
    });
  }
  if (draft.missing > 0) {
    throw new RackseedError("cannot publish yet", {
      reason: `${draft.missing} extents that the entries name have not arrived.`,
      remedy: "ask which ones are known, send the others, then send the entries again.",
      status: 409,
    });
  }
  return { header, draft };
}
