import { type BytePath, displayPath, parentOf } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import {
  decodeManifest,
  type Manifest,
  manifestId,
  MAX_MANIFEST_BYTES,
  packKeys,
} from "#contract/format/manifest.ts";
import { RackseedError } from "#contract/errors.ts";
import { open } from "#native/open_sealed.ts";
import type { PublishedVersion } from "./versions.ts";

type File = Extract<Entry<FrameExtent>, { type: "file" }>;

/** Opened frames that are cached (8 × 4 MiB). Consecutive entries are mostly in the same frame. */
const KEPT_FRAMES = 8;
const MAX_READ_BYTES = 512 << 20;

/**
 * Reads a version's files from its packs. Synchronous, because its callers (kernel modules, firmware, a tar) read many
 * small files in a row. Paths are relative to the image's root, whose own path is "".
 */
export class VersionReader implements Disposable {
  readonly manifest: Manifest;
  readonly #keys: readonly Uint8Array[];
  readonly #packs: readonly Deno.FsFile[];
  readonly #entries: ReadonlyMap<string, Entry<FrameExtent>>;
  readonly #children: ReadonlyMap<string, readonly BytePath[]>;
  /** By frame number; the most recently used is last. */
  readonly #frames = new Map<number, Uint8Array>();

  /**
   * `key`: the lineage's. `packs`: paths in the order of the manifest. All are opened now, so that deleting the version
   * does not disturb a reader.
   */
  constructor(manifest: Manifest, { packs, key }: { packs: readonly string[]; key: Uint8Array }) {
    this.manifest = manifest;
    this.#keys = packKeys(manifest.header, key);
    const entries = new Map<string, Entry<FrameExtent>>();
    const children = new Map<string, BytePath[]>();
    for (const entry of manifest.entries) {
      entries.set(entry.path, entry);
      if (entry.type === "directory") children.set(entry.path, []);
      if (entry.path !== "") {
        children.get(parentOf(entry.path))?.push(
          entry.path.slice(entry.path.lastIndexOf("/") + 1) as BytePath,
        );
      }
    }
    this.#entries = entries;
    this.#children = children;
    this.#packs = openAll(packs);
  }

  [Symbol.dispose](): void {
    for (const file of this.#packs) file.close();
  }

  /** The entry itself: symlinks are not followed, and a hard link gives the file that it refers to. */
  stat(path: BytePath): Exclude<Entry<FrameExtent>, { type: "link" }> | undefined {
    const entry = this.#entries.get(path);
    return entry?.type === "link" ? this.stat(entry.target) : entry;
  }

  /** Names in a directory, by bytes; undefined if it is not a directory. */
  list(path: BytePath): readonly BytePath[] | undefined {
    return this.#children.get(path);
  }

  readlink(path: BytePath): BytePath | undefined {
    const entry = this.#entries.get(path);
    return entry?.type === "symlink" ? entry.target : undefined;
  }

  /** A file's content, with holes as zeros; undefined if it is not a file. Throws if it is larger than 512 MiB. */
  read(path: BytePath): Uint8Array | undefined {
    const file = this.stat(path);
    if (file?.type !== "file") return undefined;
    if (file.sizeBytes > MAX_READ_BYTES) {
      throw new RackseedError(`cannot read ${displayPath(path)} of the image into memory`, {
        reason: `it has ${file.sizeBytes} bytes, more than ${MAX_READ_BYTES}.`,
        remedy: "check that file; nothing that a machine needs to boot is that large.",
      });
    }
    const content = new Uint8Array(file.sizeBytes);
    for (const { offset, bytes } of this.extents(file)) content.set(bytes, offset);
    return content;
  }

  /** Equal for files with equal content; undefined if it is not a file. */
  identity(path: BytePath): string | undefined {
    const file = this.stat(path);
    if (file?.type !== "file") return undefined;
    const extents = file.extents.map(({ offset, frame, index }) =>
      `${offset}:${this.manifest.frames[frame]?.extents[index]?.sha256}`
    );
    return `${file.sizeBytes} ${extents.join(" ")}`;
  }

  /** A file's stored bytes in order, with holes between them. The bytes are views: copy them to keep them. */
  *extents(file: File): Generator<{ offset: number; bytes: Uint8Array }> {
    for (const { offset, frame, index } of file.extents) {
      const slice = this.manifest.frames[frame]?.extents[index];
      if (slice === undefined) throw new RangeError("a file refers to a missing extent");
      const raw = this.#frame(frame);
      yield { offset, bytes: raw.subarray(slice.offset, slice.offset + slice.sizeBytes) };
    }
  }

  #frame(number: number): Uint8Array {
    const kept = this.#frames.get(number);
    if (kept !== undefined) {
      this.#frames.delete(number);
      this.#frames.set(number, kept);
      return kept;
    }
    const frame = this.manifest.frames[number];
    const pack = frame && this.#packs[frame.pack], key = frame && this.#keys[frame.pack];
    if (frame === undefined || pack === undefined || key === undefined) {
      throw new RangeError(`frame ${number} does not exist`);
    }
    const sealed = new Uint8Array(frame.sealedBytes);
    pack.seekSync(frame.offset, Deno.SeekMode.Start);
    for (let n = 0; n < sealed.length;) {
      const read = pack.readSync(sealed.subarray(n));
      if (read === null) throw new RangeError(`pack ${frame.pack} ends within frame ${number}`);
      n += read;
    }
    const raw = open(sealed, { key });
    if (this.#frames.size >= KEPT_FRAMES) this.#frames.delete(this.#frames.keys().next().value as number);
    this.#frames.set(number, raw);
    return raw;
  }
}

function openAll(paths: readonly string[]): Deno.FsFile[] {
  const files: Deno.FsFile[] = [];
  try {
    for (const path of paths) files.push(Deno.openSync(path));
    return files;
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

/** Reads a published version's manifest and checks it against its id. Throws RangeError if it is damaged. */
export function readManifest(
  { payload, key, id }: Pick<PublishedVersion, "payload" | "key" | "id">,
): Manifest {
  const path = payload[0]?.path ?? "";
  const bytes = open(Deno.readFileSync(path), { key, maxRawBytes: MAX_MANIFEST_BYTES });
  if (manifestId(bytes) !== id) throw new RangeError("the manifest is not the one that was published");
  return decodeManifest(bytes);
}
