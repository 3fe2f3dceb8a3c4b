/** The files of a container image: an OCI image layout as a folder, or inside a tar as `docker save` writes it. */
import { createHash } from "node:crypto";
import { type BytePath, textOf } from "#contract/format/byte_path.ts";
import { ByteStream } from "#tar/byte_stream.ts";
import { readMembers } from "#tar/read_members.ts";
import { chunksOf, decompressed, type FileRange } from "../capture/tar_stream.ts";

/** Limit of an index, a manifest or a configuration. */
const MAX_JSON_BYTES = 16 << 20;

export interface Blobs extends Disposable {
  /** Whether there is such a file: "index.json", "blobs/sha256/…". */
  has(name: string): boolean | Promise<boolean>;
  /** Opens a file that exists. Throws RangeError if there is none. */
  open(name: string): Promise<OpenBlob>;
}

/** A range of an open file. */
interface OpenBlob extends Disposable {
  readonly file: Deno.FsFile;
  readonly range: FileRange;
}

/** Throws RangeError if the file is missing or too large, SyntaxError if it is no JSON. */
export async function jsonIn(blobs: Blobs, name: string): Promise<unknown> {
  using blob = await blobs.open(name);
  if (blob.range.sizeBytes > MAX_JSON_BYTES) throw new RangeError(`${name} is too large`);
  return await new Response(await chunksOf(blob.file, blob.range)).json();
}

/** The SHA-256 in hexadecimal of a file as it is stored or, `unpacked`, of what it holds. */
export async function sha256Of(
  { file, range }: OpenBlob,
  { unpacked, signal }: { unpacked: boolean; signal: AbortSignal },
): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of unpacked ? await decompressed(file, range) : await chunksOf(file, range)) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}

/** A folder. Names come from the image: none leads out of it. */
export class FolderBlobs implements Blobs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async has(name: string): Promise<boolean> {
    try {
      return (await Deno.lstat(this.#path(name))).isFile;
    } catch {
      return false;
    }
  }

  async open(name: string): Promise<OpenBlob> {
    if (!await this.has(name)) throw new RangeError(`it has no file ${name}`);
    const file = await Deno.open(this.#path(name));
    const { size } = await file.stat();
    return { file, range: { at: 0, sizeBytes: size }, [Symbol.dispose]: () => file.close() };
  }

  [Symbol.dispose](): void {}

  #path(name: string): string {
    if (!/^[\w.-]+(\/[\w.-]+)*$/.test(name) || name.split("/").includes("..")) {
      throw new RangeError(`it names a file ${JSON.stringify(name)}`);
    }
    return `${this.#folder}/${name}`;
  }
}

/** A tar that is not compressed, whose members are read in place. */
export class TarBlobs implements Blobs {
  readonly #file: Deno.FsFile;
  readonly #ranges: ReadonlyMap<string, FileRange>;

  private constructor(file: Deno.FsFile, ranges: ReadonlyMap<string, FileRange>) {
    this.#file = file;
    this.#ranges = ranges;
  }

  /** Throws RangeError if it is not a tar. */
  static async open(path: string): Promise<TarBlobs> {
    const file = await Deno.open(path);
    try {
      return new TarBlobs(file, await rangesIn(file));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  has(name: string): boolean {
    return this.#ranges.has(name);
  }

  open(name: string): Promise<OpenBlob> {
    const range = this.#ranges.get(name);
    if (range === undefined) return Promise.reject(new RangeError(`it has no file ${name}`));
    return Promise.resolve({ file: this.#file, range, [Symbol.dispose]() {} });
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Where each file of the tar is. Older versions of docker write a layer twice as a link: to the first one. */
async function rangesIn(file: Deno.FsFile): Promise<Map<string, FileRange>> {
  const ranges = new Map<string, FileRange>();
  const stream = new ByteStream(await chunksOf(file));
  const nameOf = (path: BytePath) => (textOf(path) ?? "").replace(/^(\.\/)+/, "");
  await readMembers(stream, {
    note: () => {},
    take: (member) => {
      const name = nameOf(member.path);
      const target = member.type === "1"
        ? nameOf(member.linkPath)
        : member.type === "2"
        ? resolved(name, nameOf(member.linkPath))
        : undefined;
      const found = target === undefined ? undefined : ranges.get(target);
      if (found) ranges.set(name, found);
      if (["0", "7"].includes(member.type) && member.runs.length <= 1) {
        ranges.set(name, { at: stream.consumed, sizeBytes: member.sizeBytes });
      }
      return Promise.resolve();
    },
  });
  return ranges;
}

/** "a/layer.tar" with the link "../b/layer.tar": "b/layer.tar". */
function resolved(name: string, target: string): string {
  const parts = name.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
