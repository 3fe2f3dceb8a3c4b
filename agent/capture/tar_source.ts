/** A tar as the source of a capture: pax or GNU, with sparse files and attributes; plain, gzip or zstd. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { EntryLine } from "#contract/format/entry_changes.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { CaptureSource, ExtentSink } from "./capture_source.ts";
import type { Amount } from "./cache/amount.ts";
import { ByteStream } from "#tar/byte_stream.ts";
import { type Member, readMembers } from "#tar/read_members.ts";
import { decompressed } from "./tar_stream.ts";
import { ContentReader, type Inode, inodeOf, linesOf, pathOf } from "./tar_tree.ts";

export class TarSource implements CaptureSource {
  readonly notes: string[] = [];
  readonly #path: string;

  /** `path`: the tar file. */
  constructor(path: string) {
    this.#path = path;
  }

  /** A tar has no index: progress is measured in bytes of the tar, and files are counted as they are read. */
  async measure(): Promise<Amount> {
    try {
      const { size } = await Deno.stat(this.#path);
      return { files: 0, bytes: size };
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  async *entries(
    sink: ExtentSink,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (done: Amount) => void },
  ): AsyncGenerator<EntryLine> {
    const inodes = await this.#read(sink, { signal, onProgress });
    try {
      yield* linesOf(inodes);
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  async #read(
    sink: ExtentSink,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (done: Amount) => void },
  ): Promise<Map<BytePath, Inode>> {
    const inodes = new Map<BytePath, Inode>();
    try {
      using file = await Deno.open(this.#path);
      const stream = new ByteStream(await decompressed(file));
      const contents = new ContentReader(stream, sink);
      let files = 0;
      const note = (text: string) => this.notes.push(text);
      const take = async (member: Member) => {
        signal.throwIfAborted();
        if (sink.full) await sink.drained();
        const path = pathOf(member.path);
        const inode = await inodeOf(member, { path, inodes, note, read: () => contents.read(member) });
        if (inode) inodes.set(path, inode);
        if (inode?.type === "file") files++;
        onProgress({ files, bytes: file.seekSync(0, Deno.SeekMode.Current) });
      };
      try {
        await readMembers(stream, { take, note });
      } finally {
        await stream.cancel();
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof RackseedError ? error : this.#unreadable(error);
    }
    return inodes;
  }

  #unreadable(error: unknown): RackseedError {
    return new RackseedError(`cannot read the tar ${this.#path}`, {
      reason: `${messageOf(error)}.`,
      remedy: "use a pax, ustar or GNU tar, plain or compressed with gzip or zstd.",
      status: 400,
      cause: error,
    });
  }
}
