/** One file of a torrent, in torrent order. Lengths and offsets are bytes. */
export interface TorrentFile {
  readonly name: string;
  readonly length: number;
}

/** A run of bytes inside one file of a torrent. */
export interface FileRange {
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

/** Pieces `first` to `last`, both inclusive. An empty range has `last < first`. */
export interface PieceRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Maps a torrent's files to its pieces (BEP 3): the files, back to back, are one byte string, split every `pieceLength`
 * bytes; the last piece may be shorter. A *position* is an offset in that string.
 */
export class PieceMap {
  readonly files: readonly TorrentFile[];
  readonly pieceLength: number;
  readonly totalLength: number;
  readonly pieceCount: number;
  readonly #starts: readonly number[];

  constructor(files: readonly TorrentFile[], pieceLength: number) {
    const starts: number[] = [];
    let total = 0;
    for (const file of files) {
      starts.push(total);
      total += file.length;
    }
    this.files = files;
    this.pieceLength = pieceLength;
    this.totalLength = total;
    this.pieceCount = Math.ceil(total / pieceLength);
    this.#starts = starts;
  }

  startOf(piece: number): number {
    return piece * this.pieceLength;
  }

  lengthOf(piece: number): number {
    return Math.min(this.pieceLength, this.totalLength - this.startOf(piece));
  }

  /** The pieces that hold any byte of `range`. Throws RangeError if the range exceeds its file. */
  piecesOf({ file, offset, length }: FileRange): PieceRange {
    const entry = this.files[file];
    if (!entry || offset < 0 || length < 0 || offset + length > entry.length) {
      throw new RangeError(`bytes ${offset}+${length} are not inside file ${file}`);
    }
    const start = (this.#starts[file] ?? 0) + offset;
    const first = Math.floor(start / this.pieceLength);
    return { first, last: length === 0 ? first - 1 : Math.floor((start + length - 1) / this.pieceLength) };
  }

  /** The file ranges covered by `length` bytes at `position`, in order. Throws RangeError. */
  rangesAt(position: number, length: number): FileRange[] {
    if (position < 0 || length < 0 || position + length > this.totalLength) {
      throw new RangeError(`bytes ${position}+${length} are not inside the torrent`);
    }
    const ranges: FileRange[] = [];
    let file = this.#fileAt(position);
    let at = position;
    let left = length;
    while (left > 0) {
      const offset = at - (this.#starts[file] ?? 0);
      const take = Math.min(left, (this.files[file]?.length ?? 0) - offset);
      if (take > 0) ranges.push({ file, offset, length: take });
      at += take;
      left -= take;
      file++;
    }
    return ranges;
  }

  /** The last file that starts at or before `position` (binary search). */
  #fileAt(position: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
