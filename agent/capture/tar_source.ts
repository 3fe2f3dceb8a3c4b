/** A tar as the source of a capture: pax or GNU, with sparse files and attributes; plain, gzip or zstd. */
import { Duplex } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import {
  type BytePath,
  comparePaths,
  confinedPath,
  displayPath,
  parentOf,
} from "#contract/format/byte_path.ts";
import { type Entry, type HashedExtent, MAX_EXTENT_BYTES } from "#contract/format/entry.ts";
import { type EntryLine, entryLine } from "#contract/format/entry_changes.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { CaptureSource, ExtentSink } from "./capture_source.ts";
import type { Amount } from "./cache/amount.ts";
import { ExtentCutter } from "./extent_cutter.ts";
import { ByteStream } from "#tar/byte_stream.ts";
import { type Member, readMembers } from "#tar/read_members.ts";

/** What a name in the tar refers to; hard links share one. */
type Inode = Exclude<Entry<HashedExtent>, { type: "link" }>;

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
    addMissingDirectories(inodes);
    const first = new Map<Inode, BytePath>();
    for (const path of [...inodes.keys()].sort(comparePaths)) {
      const inode = inodes.get(path) as Inode;
      const parent = path === "" ? undefined : inodes.get(parentOf(path));
      if (parent && parent.type !== "directory") {
        throw this.#unreadable(
          new RangeError(`${displayPath(path)} is below something that is not a directory`),
        );
      }
      const earlier = first.get(inode);
      if (earlier === undefined) {
        first.set(inode, path);
        yield entryLine({ ...inode, path });
      } else yield entryLine({ type: "link", path, target: earlier });
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
        const inode = await this.#inode(member, { path, inodes, contents });
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

  /** Returns undefined, with a note, for a type that an image cannot hold. */
  async #inode(
    member: Member,
    { path, inodes, contents }: {
      path: BytePath;
      inodes: ReadonlyMap<BytePath, Inode>;
      contents: ContentReader;
    },
  ): Promise<Inode | undefined> {
    const { type, mode, uid, gid, mtimeSec, mtimeNs, xattrs, major, minor, sizeBytes } = member;
    const common = { path, mode, uid, gid, mtimeSec, mtimeNs, xattrs };
    const file = { ...common, ...(member.inode && { inode: member.inode }) };
    switch (type) {
      case "0":
      case "7":
      case "S":
        // before POSIX, a directory was a file whose name ends in a slash
        if (member.path.endsWith("/")) return { type: "directory", ...file };
        return { type: "file", ...file, sizeBytes, extents: await contents.read(member) };
      case "1": {
        const target = pathOf(member.linkPath);
        const inode = inodes.get(target);
        if (inode && inode.type !== "directory") return inode;
        throw new RangeError(
          `${displayPath(path)} is a hard link to ${displayPath(target)}, which is not in the tar before it`,
        );
      }
      case "2":
        return { type: "symlink", ...common, target: member.linkPath };
      case "3":
        return { type: "char", ...common, major, minor };
      case "4":
        return { type: "block", ...common, major, minor };
      case "5":
      case "D":
        return { type: "directory", ...file };
      case "6":
        return { type: "fifo", ...common };
      case "V":
        return undefined;
      default:
        this.notes.push(`left out, unknown type ${JSON.stringify(type)}: ${displayPath(path)}`);
        return undefined;
    }
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

/** Cuts the data of members into extents, as FileReader does with files. */
class ContentReader {
  readonly #stream: ByteStream;
  readonly #sink: ExtentSink;
  readonly #small = new Uint8Array(MAX_EXTENT_BYTES);
  readonly #cutter = new ExtentCutter();

  constructor(stream: ByteStream, sink: ExtentSink) {
    this.#stream = stream;
    this.#sink = sink;
  }

  async read({ sizeBytes, runs }: Member): Promise<HashedExtent[]> {
    const extents: HashedExtent[] = [];
    const add = (offset: number, content: Uint8Array) =>
      extents.push({ offset, sizeBytes: content.length, sha256: this.#sink.take(content) });
    for (const run of runs) {
      if (sizeBytes > MAX_EXTENT_BYTES) {
        await this.#cut(run, add);
        continue;
      }
      const content = this.#small.subarray(0, run.sizeBytes);
      await this.#stream.readFully(content);
      add(run.offset, content);
    }
    return extents;
  }

  async #cut(
    run: { offset: number; sizeBytes: number },
    add: (offset: number, content: Uint8Array) => void,
  ): Promise<void> {
    let offset = run.offset;
    for (let left = run.sizeBytes; left > 0;) {
      const room = this.#cutter.room();
      const part = room.subarray(0, Math.min(room.length, left));
      await this.#stream.readFully(part);
      this.#cutter.filled(part.length);
      left -= part.length;
      for (let cut; (cut = this.#cutter.next({ last: left === 0 })) !== undefined; offset += cut.length) {
        add(offset, cut);
      }
      if (this.#sink.full) await this.#sink.drained();
    }
  }
}

/** Normalizes "./a//b/" to "a/b". Throws RangeError on "..". */
function pathOf(name: BytePath): BytePath {
  return confinedPath(name.split("/").filter((part) => part !== "" && part !== ".").join("/") as BytePath);
}

/** Adds the directories that the tar implies but does not list, as root's mkdir would create them, at time 0. */
function addMissingDirectories(inodes: Map<BytePath, Inode>): void {
  const common = { mode: 0o755, uid: 0, gid: 0, mtimeSec: 0, mtimeNs: 0, xattrs: [] };
  const add = (path: BytePath) => inodes.set(path, { type: "directory", path, ...common });
  for (const path of [...inodes.keys()]) {
    for (let parent = path; parent !== "";) {
      parent = parentOf(parent);
      if (inodes.has(parent)) break;
      add(parent);
    }
  }
  if (!inodes.has("" as BytePath)) add("" as BytePath);
}

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

async function decompressed(file: Deno.FsFile): Promise<ReadableStream<Uint8Array>> {
  const head = new Uint8Array(4);
  await file.read(head);
  await file.seek(0, Deno.SeekMode.Start);
  const begins = (magic: readonly number[]) => magic.every((byte, i) => head[i] === byte);
  const stream = chunksOf(file);
  if (begins(GZIP)) return stream.pipeThrough(new DecompressionStream("gzip"));
  if (!begins(ZSTD)) return stream;
  return stream.pipeThrough(Duplex.toWeb(createZstdDecompress()) as TransformStream<Uint8Array, Uint8Array>);
}

const CHUNK_BYTES = 1 << 20;

/** Reads larger chunks than `readable` does, and leaves closing the file to the caller. */
function chunksOf(file: Deno.FsFile): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    pull(controller) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      // synchronous, so that no read is pending if the file is closed early
      const count = file.readSync(chunk);
      if (count === null) controller.close();
      else controller.enqueue(chunk.subarray(0, count));
    },
  }, { highWaterMark: 1 });
}
