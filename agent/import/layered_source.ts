/**
 * The layers of a container image as one tree (OCI image specification, layer.md): an upper layer replaces, adds, and
 * removes by whiteouts. Layers are read twice: first what there is, then the contents of what is left of it.
 */
import { type BytePath, parentOf } from "#contract/format/byte_path.ts";
import type { EntryLine } from "#contract/format/entry_changes.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { ByteStream } from "#tar/byte_stream.ts";
import { type Member, readMembers } from "#tar/read_members.ts";
import type { Amount } from "../capture/cache/amount.ts";
import type { CaptureSource, ExtentSink } from "../capture/capture_source.ts";
import { decompressed } from "../capture/tar_stream.ts";
import { ContentReader, type Inode, inodeOf, linesOf, pathOf } from "../capture/tar_tree.ts";
import { type Blobs, sha256Of } from "./blob_store.ts";
import type { Layer } from "./container_image.ts";

type Inodes = Map<BytePath, Inode>;
export type Tree = ReadonlyMap<BytePath, Inode>;

/** Of a file that is read as text. */
const MAX_TEXT_BYTES = 1 << 20;

const WHITEOUT = ".wh.", OPAQUE = ".wh..wh..opq";

export class LayeredSource implements CaptureSource {
  readonly notes: string[] = [];
  readonly #path: string;
  readonly #blobs: Blobs;
  readonly #layers: readonly Layer[];
  /** Where each file's content is: number of its layer, and of its member in it. */
  readonly #places = new Map<Inode, string>();
  /** Files and folders that are not in the layers. */
  readonly #added = new Map<BytePath, string | undefined>();
  #merged: Promise<Inodes> | undefined;

  /** `path`: the archive, for messages. */
  constructor(path: string, { blobs, layers }: { blobs: Blobs; layers: readonly Layer[] }) {
    this.#path = path;
    this.#blobs = blobs;
    this.#layers = layers;
  }

  /** The tree without the contents of its files. Verifies every layer. Throws RackseedError. */
  async tree({ signal }: { signal: AbortSignal }): Promise<Tree> {
    return await (this.#merged ??= this.#merge(signal));
  }

  /** The content of a small file, following one link; undefined if there is none. */
  async text(path: BytePath, signal: AbortSignal): Promise<string | undefined> {
    const tree = await this.tree({ signal });
    let inode = tree.get(path);
    if (inode?.type === "symlink") inode = tree.get(pathOf(targetOf(path, inode.target)));
    if (inode?.type !== "file" || inode.sizeBytes > MAX_TEXT_BYTES) return undefined;
    const place = this.#places.get(inode);
    const content = new Uint8Array(inode.sizeBytes);
    for (const [number, layer] of this.#layers.entries()) {
      if (place?.startsWith(`${number} `) !== true) continue;
      await this.#read(layer, async (member, index, stream) => {
        if (placeOf(number, index) === place && member.runs.length === 1) await stream.readFully(content);
      });
    }
    return new TextDecoder().decode(content);
  }

  /** Replaces or adds a file of root, readable by all. */
  add(path: BytePath, text: string): void {
    this.#added.set(path, text);
  }

  /** Adds a folder if it is missing. */
  addFolder(path: BytePath): void {
    this.#added.set(path, undefined);
  }

  async measure({ signal }: { signal: AbortSignal }): Promise<Amount> {
    const files = [...(await this.tree({ signal })).values()].filter(({ type }) => type === "file");
    return {
      files: files.length,
      bytes: files.reduce((sum, file) => sum + (file.type === "file" ? file.sizeBytes : 0), 0),
    };
  }

  async *entries(
    sink: ExtentSink,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (done: Amount) => void },
  ): AsyncGenerator<EntryLine> {
    const inodes = new Map(await this.tree({ signal }));
    const wanted = new Map<string, BytePath[]>();
    for (const [path, inode] of inodes) {
      const place = this.#places.get(inode);
      if (place !== undefined) wanted.set(place, [...wanted.get(place) ?? [], path]);
    }
    const done = { files: 0, bytes: 0 };
    for (const [number, layer] of this.#layers.entries()) {
      await this.#read(layer, async (member, index, stream) => {
        signal.throwIfAborted();
        const paths = wanted.get(placeOf(number, index));
        const inode = paths && inodes.get(paths[0] as BytePath);
        if (paths === undefined || inode?.type !== "file") return;
        if (sink.full) await sink.drained();
        const whole = { ...inode, extents: await new ContentReader(stream, sink).read(member) };
        for (const path of paths) inodes.set(path, whole);
        done.files++;
        done.bytes += inode.sizeBytes;
        onProgress({ ...done });
      });
    }
    for (const [path, text] of this.#added) {
      if (text === undefined && inodes.has(path)) continue;
      inodes.set(path, madeInode(path, text, sink));
    }
    yield* linesOf(inodes);
  }

  async #merge(signal: AbortSignal): Promise<Inodes> {
    const merged: Inodes = new Map();
    for (const [number, layer] of this.#layers.entries()) {
      await this.#verify(layer, signal);
      await this.#addLayer(merged, { number, layer, signal });
    }
    return merged;
  }

  async #verify({ name, digest, digestOf }: Layer, signal: AbortSignal): Promise<void> {
    let found: string;
    try {
      using blob = await this.#blobs.open(name);
      found = await sha256Of(blob, { unpacked: digestOf === "unpacked", signal });
    } catch (error) {
      signal.throwIfAborted();
      throw this.#unreadable(error);
    }
    if (`sha256:${found}` !== digest) {
      throw this.#unreadable(new RangeError(`its layer ${name} is damaged: it should be ${digest}`));
    }
  }

  /** Whiteouts of a layer remove what is below it, whatever their place in it. */
  async #addLayer(
    merged: Inodes,
    { number, layer, signal }: { number: number; layer: Layer; signal: AbortSignal },
  ): Promise<void> {
    const added: Inodes = new Map(), hidden = new Set<BytePath>(), emptied = new Set<BytePath>();
    const both: Pick<Inodes, "get"> = { get: (path) => added.get(path) ?? merged.get(path) };
    await this.#read(layer, async (member, index) => {
      signal.throwIfAborted();
      const path = pathOf(member.path), name = path.slice(path.lastIndexOf("/") + 1);
      if (name === OPAQUE) return void emptied.add(parentOf(path));
      if (name.startsWith(WHITEOUT)) {
        return void hidden.add(
          path.slice(0, path.length - name.length) + name.slice(WHITEOUT.length) as BytePath,
        );
      }
      const note = (text: string) => this.notes.push(text);
      const inodes = both as Inodes, read = () => Promise.resolve([]);
      const inode = await inodeOf(member, { path, inodes, note, read });
      if (inode === undefined) return;
      if (inode.type === "file" && member.type !== "1") this.#places.set(inode, placeOf(number, index));
      added.set(path, inode);
    });
    for (const [path, inode] of added) {
      // what replaces a directory takes away what was in it
      if (inode.type !== "directory" && merged.get(path)?.type === "directory") emptied.add(path);
    }
    remove(merged, { hidden, emptied });
    for (const [path, inode] of added) merged.set(path, inode);
  }

  async #read(
    { name }: Layer,
    take: (member: Member, index: number, stream: ByteStream) => Promise<void>,
  ): Promise<void> {
    try {
      using blob = await this.#blobs.open(name);
      const stream = new ByteStream(await decompressed(blob.file, blob.range));
      let index = 0;
      try {
        await readMembers(stream, { note: () => {}, take: (member) => take(member, index++, stream) });
      } finally {
        await stream.cancel();
      }
    } catch (error) {
      throw error instanceof RackseedError ? error : this.#unreadable(error);
    }
  }

  #unreadable(error: unknown): RackseedError {
    return new RackseedError(`cannot read the container image ${this.#path}`, {
      reason: `${messageOf(error)}.`,
      remedy: "write it again with `docker save`, `podman save --format oci-archive` or `skopeo copy`.",
      status: 400,
      cause: error,
    });
  }
}

function madeInode(path: BytePath, text: string | undefined, sink: ExtentSink): Inode {
  const seconds = Math.floor(Date.now() / 1000);
  const owner = { path, uid: 0, gid: 0, mtimeSec: seconds, mtimeNs: 0, xattrs: [] };
  if (text === undefined) return { type: "directory", mode: 0o755, ...owner };
  const content = new TextEncoder().encode(text), sizeBytes = content.length;
  const extents = sizeBytes === 0 ? [] : [{ offset: 0, sizeBytes, sha256: sink.take(content) }];
  return { type: "file", mode: 0o644, ...owner, sizeBytes, extents };
}

/** "etc/os-release" with the link "../usr/lib/os-release": "usr/lib/os-release". */
function targetOf(path: BytePath, target: BytePath): BytePath {
  const parts = target.startsWith("/") ? [] : path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/") as BytePath;
}

const placeOf = (layer: number, member: number) => `${layer} ${member}`;

/** One pass for all: a layer may have thousands of whiteouts. */
function remove(
  inodes: Inodes,
  { hidden, emptied }: { hidden: ReadonlySet<BytePath>; emptied: ReadonlySet<BytePath> },
): void {
  if (hidden.size + emptied.size === 0) return;
  const isGone = (path: BytePath): boolean => {
    if (hidden.has(path)) return true;
    while (path !== "") {
      path = parentOf(path);
      if (hidden.has(path) || emptied.has(path)) return true;
    }
    return false;
  };
  for (const path of [...inodes.keys()]) if (isGone(path)) inodes.delete(path);
}
