import type { Entry, FrameExtent, HashedExtent } from "#contract/format/entry.ts";
import { formatFrameEntry } from "#contract/format/entry.ts";
import {
  encodeManifest,
  type Frame,
  type FrameSlice,
  type Header,
  type Manifest,
  MAX_MANIFEST_BYTES,
  type Totals,
  TreeProof,
} from "#contract/format/manifest.ts";
import type { ExtentPlace } from "../store/extents.ts";
import type { StoredFrame } from "../store/packs.ts";

const LINES_PER_PIECE = 4096;
/** The rest of the largest manifest is left for its frame lines. */
const MAX_ENTRIES_BYTES = MAX_MANIFEST_BYTES / 4 * 3;

/** Lookups in the store. */
export interface Places {
  find(sha256: Uint8Array): ExtentPlace | undefined;
  frame(id: number): StoredFrame & { readonly pack: number } | undefined;
}

interface DraftExtent {
  readonly frame: number;
  readonly index: number;
  readonly sizeBytes: number;
}

interface DraftFrame extends Omit<Frame, "pack"> {
  /** The pack's id. */
  readonly pack: number;
  readonly extents: FrameSlice[];
}

/**
 * A version's manifest while it is being built. Entries arrive one by one; as soon as the store has an entry's extents,
 * the entry is checked and placed, and its line written. Frames are numbered in the order in which entries first need
 * them, which is the order in which they were sent. Packs are numbered by age, which is the same in every version.
 */
export class Draft {
  readonly #places: Places;
  readonly #frames: DraftFrame[] = [];
  readonly #frameNumbers = new Map<number, number>();
  /** Ids of the packs that are used. */
  readonly #packs = new Set<number>();
  /** By SHA-256 in base64url. */
  readonly #extents = new Map<string, DraftExtent>();
  /** In order, the entries that wait for their extents or for an entry before them. */
  #waiting: Entry<HashedExtent>[] = [];
  readonly #entries: Entry<FrameExtent>[] = [];
  readonly #proof = new TreeProof(this.#frames);
  readonly #pieces: Uint8Array[] = [];
  #lines: string[] = [];
  #textBytes = 0;
  #totals = { entries: 0, files: 0, fileBytes: 0, extentBytes: 0, sealedBytes: 0 };
  #added = 0;

  constructor(places: Places) {
    this.#places = places;
  }

  /** Ids of the packs that the version needs, in their order. */
  get packs(): number[] {
    return [...this.#packs].sort((a, b) => a - b);
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** Number of entries received, placed or not. */
  get added(): number {
    return this.#added;
  }

  /** Number of distinct extents that the entries refer to and the store does not have. */
  missing(): number {
    const missing = new Set<string>();
    for (const entry of this.#waiting) {
      if (entry.type !== "file") continue;
      for (const { sha256 } of entry.extents) if (this.#find(sha256) === undefined) missing.add(sha256);
    }
    return missing.size;
  }

  /** `isKept`: the parent has the entry, so the store normally has its extents. */
  add(entry: Entry<HashedExtent>, { isKept }: { isKept: boolean }): void {
    this.#added++;
    this.#waiting.push(entry);
    // look up an entry that waits behind a missing extent now, while the sender is busy, rather than at the end
    if (isKept) this.#isComplete(entry);
  }

  /**
   * Places entries up to the first one with an extent that the store does not have yet. Throws RangeError if an entry
   * breaks a rule of the manifest.
   */
  place(): void {
    const waiting = this.#waiting;
    let done = 0;
    while (done < waiting.length && this.#isComplete(waiting[done] as Entry<HashedExtent>)) {
      this.#place(waiting[done++] as Entry<HashedExtent>);
    }
    this.#waiting = waiting.slice(done);
  }

  #isComplete(entry: Entry<HashedExtent>): boolean {
    return entry.type !== "file" || entry.extents.every(({ sha256 }) => this.#find(sha256) !== undefined);
  }

  #place(entry: Entry<HashedExtent>): void {
    this.#totals.entries++;
    let placed: Entry<FrameExtent>;
    if (entry.type === "file") {
      this.#totals.files++;
      this.#totals.fileBytes += entry.sizeBytes;
      placed = { ...entry, extents: this.#placed(entry.extents) };
    } else placed = entry;
    this.#proof.accept(placed);
    this.#entries.push(placed);
    this.#lines.push(formatFrameEntry(placed));
    if (this.#lines.length === LINES_PER_PIECE) this.#endPiece();
  }

  /** The manifest that `decodeManifest` would read from `encode`; every entry was checked on arrival. */
  manifest(header: Header): Manifest {
    return { header, frames: this.#numbered(), entries: this.#entries };
  }

  /** The manifest's text. */
  encode(header: Header): Uint8Array {
    this.#endPiece();
    const head = encodeManifest({ header, frames: this.#numbered(), entries: [] });
    return Buffer.concat([head, ...this.#pieces]);
  }

  /** The frames with the version's pack numbers. */
  #numbered(): Frame[] {
    const numbers = new Map(this.packs.map((id, number) => [id, number]));
    return this.#frames.map((frame) => ({ ...frame, pack: numbers.get(frame.pack) as number }));
  }

  /** Number of frames that the version uses. */
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

  #placed(extents: readonly HashedExtent[]): FrameExtent[] {
    return extents.map(({ offset, sizeBytes, sha256 }) => {
      const extent = this.#find(sha256);
      if (extent === undefined) throw new Error("an extent is gone");
      if (extent.sizeBytes !== sizeBytes) throw new RangeError("an extent's size is not that of its content");
      return { offset, frame: extent.frame, index: extent.index };
    });
  }

  /** The extent with its numbers in the manifest, which it gets when it is first found. */
  #find(sha256: string): DraftExtent | undefined {
    const known = this.#extents.get(sha256);
    if (known !== undefined) return known;
    const place = this.#places.find(Buffer.from(sha256, "base64url"));
    const frame = place && this.#frameNumber(place.frame);
    if (place === undefined || frame === undefined) return undefined;
    const { extents } = this.#frames[frame] as DraftFrame;
    const extent = { frame, index: extents.length, sizeBytes: place.sizeBytes };
    extents.push({ sha256, offset: place.at, sizeBytes: place.sizeBytes });
    this.#totals.extentBytes += place.sizeBytes;
    this.#extents.set(sha256, extent);
    return extent;
  }

  #frameNumber(id: number): number | undefined {
    const known = this.#frameNumbers.get(id);
    if (known !== undefined) return known;
    const frame = this.#places.frame(id);
    if (frame === undefined) return undefined;
    const { pack, at, sealedBytes, rawBytes } = frame;
    this.#packs.add(pack);
    this.#frames.push({ pack, offset: at, sealedBytes, rawBytes, extents: [] });
    this.#totals.sealedBytes += sealedBytes;
    this.#frameNumbers.set(id, this.#frames.length - 1);
    return this.#frames.length - 1;
  }
}
