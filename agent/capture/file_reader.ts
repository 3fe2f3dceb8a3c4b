/** Reads the stored bytes of a regular file into extents: holes are skipped, large files are cut by content. */
import type { HashedExtent } from "#contract/format/entry.ts";
import type { FileStatus } from "../sys/file_status.ts";
import { nextData, readFully } from "../sys/libc.ts";
import type { ExtentSink } from "./capture_source.ts";
import { ExtentCutter } from "./extent_cutter.ts";

export interface ReadFile {
  readonly extents: readonly HashedExtent[];
  /** Where the file ended: less than its size if it was truncated meanwhile. */
  readonly sizeBytes: number;
}

/** Reuses its cutter for all files. */
export class FileReader {
  readonly #sink: ExtentSink;
  readonly #onBytes: (count: number) => void;
  #cutter: ExtentCutter | undefined;

  /** `onBytes` is called with the number of bytes read. */
  constructor(sink: ExtentSink, { onBytes }: { onBytes: (count: number) => void }) {
    this.#sink = sink;
    this.#onBytes = onBytes;
  }

  /** Reads a file of at most MAX_EXTENT_BYTES: every run of stored bytes becomes one extent. */
  readSmall(fd: number, { sizeBytes }: FileStatus): ReadFile {
    const extents: HashedExtent[] = [];
    for (let at = 0; at < sizeBytes;) {
      const run = nextData(fd, { offset: at, sizeBytes });
      if (run === undefined) break;
      const content = this.#sink.room(run.end - run.start);
      const got = readFully(fd, content, run.start);
      this.#onBytes(got);
      if (got > 0) extents.push(this.#extent(run.start, content.subarray(0, got)));
      if (got < content.length) return { extents, sizeBytes: run.start + got };
      at = run.end;
    }
    return { extents, sizeBytes };
  }

  async readLarge(
    fd: number,
    { status: { sizeBytes }, signal }: { status: FileStatus; signal: AbortSignal },
  ): Promise<ReadFile> {
    const extents: HashedExtent[] = [];
    const cutter = this.#cutter ??= new ExtentCutter();
    for (let at = 0; at < sizeBytes;) {
      const run = nextData(fd, { offset: at, sizeBytes });
      if (run === undefined) break;
      let cutAt = at = run.start;
      while (at < run.end) {
        const room = cutter.room();
        const wanted = Math.min(room.length, run.end - at);
        const got = readFully(fd, room.subarray(0, wanted), at);
        this.#onBytes(got);
        cutter.filled(got);
        at += got;
        const last = at === run.end || got < wanted;
        for (let cut; (cut = cutter.next({ last })) !== undefined; cutAt += cut.length) {
          extents.push(this.#extent(cutAt, cut));
        }
        if (got < wanted) return { extents, sizeBytes: at };
        if (this.#sink.full) await this.#sink.drained();
        signal.throwIfAborted();
      }
    }
    return { extents, sizeBytes };
  }

  #extent(offset: number, content: Uint8Array): HashedExtent {
    return { offset, sizeBytes: content.length, sha256: this.#sink.take(content) };
  }
}
