/** Makes files, symlinks and devices below the target from the bytes of a frame. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes } from "#contract/format/entry.ts";
import { close, makeNodeAt, O, openAt, symlinkAt, truncate, writeFully } from "../../sys/libc.ts";
import { codeOf } from "../../sys/errno.ts";
import { extentSum } from "../records/content_index.ts";
import { type AttributeWriter, beginFile } from "./attributes.ts";
import type { FilePart, FrameWork, NodeEntry, Piece, WholeFile } from "./frame_plan.ts";

const NEW_FILE = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;

export class TreeWriter {
  readonly #root: number;
  readonly #attributes: AttributeWriter;
  readonly #privileged: boolean;
  /** Checksums of what was written, by path; see ../records/content_index.ts. */
  #sums: [BytePath, number][] = [];

  constructor(
    root: number,
    { attributes, privileged }: { attributes: AttributeWriter; privileged: boolean },
  ) {
    this.#root = root;
    this.#attributes = attributes;
    this.#privileged = privileged;
  }

  /** Returns those since the last call. */
  takeSums(): [BytePath, number][] {
    const sums = this.#sums;
    this.#sums = [];
    return sums;
  }

  writeFrame({ whole, parts }: FrameWork, contents: readonly (Uint8Array | undefined)[]): void {
    for (const file of whole) this.#writeWhole(file, contents);
    for (const part of parts) this.#writePart(part, contents);
  }

  #writeWhole({ entry, pieces }: WholeFile, contents: readonly (Uint8Array | undefined)[]): void {
    const made = entry.mode & 0o777;
    const fd = openAt(this.#root, entry.path, { flags: NEW_FILE, mode: made });
    try {
      if (entry.inode) beginFile(fd, entry);
      const { end, sum } = writePieces(fd, pieces, contents);
      this.#sums.push([entry.path, sum]);
      if (end < entry.sizeBytes) truncate(fd, entry.sizeBytes);
      this.#attributes.finishOpen(fd, { entry, made });
    } finally {
      close(fd);
    }
  }

  #writePart({ path, pieces }: FilePart, contents: readonly (Uint8Array | undefined)[]): void {
    const fd = openAt(this.#root, path, { flags: O.WRONLY | O.NOFOLLOW });
    try {
      this.#sums.push([path, writePieces(fd, pieces, contents).sum]);
    } finally {
      close(fd);
    }
  }

  /** For a file in place, with the right content. */
  correctAttributes(entry: Attributes): void {
    const fd = openAt(this.#root, entry.path, { flags: O.RDONLY | O.NOFOLLOW | O.NONBLOCK });
    try {
      this.#attributes.correct(fd, entry);
    } finally {
      close(fd);
    }
  }

  makeNode(entry: NodeEntry): void {
    const { path } = entry;
    switch (entry.type) {
      case "file":
        return this.#writeWhole({ entry, pieces: [] }, []);
      case "symlink":
        symlinkAt(this.#root, path, entry.target);
        return this.#attributes.finishNode(entry, { isSymlink: true });
      case "fifo":
        makeNodeAt(this.#root, path, { type: entry.type, mode: entry.mode & 0o777 });
        return this.#attributes.finishNode(entry, { isSymlink: false });
      case "char":
      case "block": {
        const { type, major, minor } = entry;
        if (
          !this.#made(
            path,
            () => makeNodeAt(this.#root, path, { type, mode: entry.mode & 0o777, major, minor }),
          )
        ) return;
        return this.#attributes.finishNode(entry, { isSymlink: false });
      }
    }
  }

  /** Returns false, and takes a note, if only root may make it. */
  #made(path: BytePath, make: () => void): boolean {
    try {
      make();
      return true;
    } catch (error) {
      if (this.#privileged || codeOf(error) !== "EPERM") throw error;
      this.#attributes.miss("device", path);
      return false;
    }
  }
}

/** Returns where the last piece ends, and what the pieces add to the file's checksum. */
function writePieces(
  fd: number,
  pieces: readonly Piece[],
  contents: readonly (Uint8Array | undefined)[],
): { end: number; sum: number } {
  let end = 0, sum = 0;
  for (const { offset, index } of pieces) {
    const content = contents[index] as Uint8Array;
    writeFully(fd, content, offset);
    end = offset + content.length;
    sum ^= extentSum(content, offset);
  }
  return { end, sum: sum >>> 0 };
}
