/** The tree that the members of a tar describe, and its entries in manifest order. */
import {
  type BytePath,
  comparePaths,
  confinedPath,
  displayPath,
  parentOf,
} from "#contract/format/byte_path.ts";
import { type Entry, type HashedExtent, MAX_EXTENT_BYTES } from "#contract/format/entry.ts";
import { type EntryLine, entryLine } from "#contract/format/entry_changes.ts";
import type { ExtentSink } from "./capture_source.ts";
import { ExtentCutter } from "./extent_cutter.ts";
import type { ByteStream } from "#tar/byte_stream.ts";
import type { Member } from "#tar/read_members.ts";

/** What a name in the tar refers to; hard links share one. */
export type Inode = Exclude<Entry<HashedExtent>, { type: "link" }>;

/** Returns undefined, with a note, for a type that an image cannot hold. Throws RangeError for a hard link to nothing. */
export async function inodeOf(
  member: Member,
  { path, inodes, read, note }: {
    path: BytePath;
    /** What came before it. */
    inodes: ReadonlyMap<BytePath, Inode>;
    /** Reads the member's data. */
    read: () => Promise<HashedExtent[]>;
    note: (text: string) => void;
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
      return { type: "file", ...file, sizeBytes, extents: await read() };
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
      note(`left out, unknown type ${JSON.stringify(type)}: ${displayPath(path)}`);
      return undefined;
  }
}

/** Throws RangeError if something lies below what is not a directory. */
export function* linesOf(inodes: Map<BytePath, Inode>): Generator<EntryLine> {
  addMissingDirectories(inodes);
  const first = new Map<Inode, BytePath>();
  for (const path of [...inodes.keys()].sort(comparePaths)) {
    const inode = inodes.get(path) as Inode;
    const parent = path === "" ? undefined : inodes.get(parentOf(path));
    if (parent && parent.type !== "directory") {
      throw new RangeError(`${displayPath(path)} is below something that is not a directory`);
    }
    const earlier = first.get(inode);
    if (earlier === undefined) {
      first.set(inode, path);
      yield entryLine({ ...inode, path });
    } else yield entryLine({ type: "link", path, target: earlier });
  }
}

/** Cuts the data of members into extents, as FileReader does with files. */
export class ContentReader {
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
export function pathOf(name: BytePath): BytePath {
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
