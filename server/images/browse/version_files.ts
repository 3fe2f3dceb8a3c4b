/** The files of published versions, for those who look at them: folders, searches, contents, differences. */
import {
  type ChangeKind,
  type DiffFolder,
  type DiffRow,
  type FileDetails,
  type FileView,
  type FoundFiles,
  type TextDiff,
} from "#contract/api/files.ts";
import { MAX_TEXT_BYTES } from "#contract/change_kinds.ts";
import type { ImageChange } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { type BytePath, displayPath, toJsonPath } from "#contract/format/byte_path.ts";
import type { FileContent, VersionFiles } from "../../fleet/ports.ts";
import type { ImageStore } from "../../store/images.ts";
import type { PublishedVersion } from "../../store/versions.ts";
import { differences, type Versions } from "./differences.ts";
import { fileContent } from "./file_content.ts";
import { attributed, fileDetails, fileView } from "./file_views.ts";
import { findFiles } from "./find_files.ts";
import { IndexCache } from "./index_cache.ts";
import { textDiff } from "./text_diff.ts";
import { TreeDiff } from "./tree_diff.ts";
import type { EntryNumber, VersionIndex } from "./version_index.ts";

/** Diffs that are kept: people go back and forth between the folders of one. */
const KEPT_DIFFS = 2;

export class StoredVersionFiles implements VersionFiles, Disposable {
  readonly #store: Pick<ImageStore, "published" | "pool" | "holdPacks">;
  readonly #onDamage: (path: string, what: string) => void;
  readonly #indexes = new IndexCache();
  /** By the ids of both versions; the most recently used is last. */
  readonly #diffs = new Map<string, Promise<TreeDiff>>();

  /** `onDamage` is called with a damaged pack. */
  constructor(
    store: Pick<ImageStore, "published" | "pool" | "holdPacks">,
    { onDamage }: { onDamage: (path: string, what: string) => void },
  ) {
    this.#store = store;
    this.#onDamage = onDamage;
  }

  [Symbol.dispose](): void {
    this.#indexes[Symbol.dispose]();
    this.#diffs.clear();
  }

  async list(
    ref: string,
    path: BytePath,
    { after }: { after?: string | undefined },
  ): Promise<Iterable<FileView>> {
    const { index, named } = await this.#open(ref);
    const folder = this.#folder(index, path, named);
    const own = index.path(folder), name = after as BytePath | undefined;
    const last = name === undefined
      ? undefined
      : index.find((own === "" ? name : `${own}/${name}`) as BytePath);
    return index.children(folder, last).map((number) => fileView(index, number));
  }

  async details(ref: string, path: BytePath): Promise<FileDetails> {
    const { index, named } = await this.#open(ref);
    const number = index.resolve(path, { isLast: false });
    if (number === undefined) throw noSuchFile(path, named);
    const end = index.resolve(path);
    const leadsTo = end === undefined || index.path(end) === path ? undefined : toJsonPath(index.path(end));
    return fileDetails(index, { number, leadsTo });
  }

  async find(
    ref: string,
    path: BytePath,
    { name, limit, signal }: { name: string; limit: number; signal: AbortSignal },
  ): Promise<FoundFiles> {
    const { index, named } = await this.#open(ref);
    const folder = this.#folder(index, path, named);
    const { found, isCut } = await findFiles(index, { folder, name, limit, signal });
    return { found: found.map((number) => fileView(index, number)), isCut };
  }

  async content(ref: string, path: BytePath): Promise<FileContent> {
    const { index, named, version } = await this.#open(ref);
    const number = index.resolve(path);
    if (number === undefined) throw noSuchFile(path, named);
    const file = attributed(index, index.entry(number));
    if (file.type !== "file") {
      throw new RackseedError(`cannot read ${shown(path)} of ${named}`, {
        reason: `it is a ${file.type}, not a file.`,
        remedy: `see what it is: rackseed image files ${named} ${shown(path)}`,
        status: 409,
      });
    }
    const sources = { version, index, pool: this.#store.pool, onDamage: this.#onDamage };
    const store = this.#store;
    return {
      path: index.path(number),
      sizeBytes: file.sizeBytes,
      isSparse:
        file.extents.reduce((n, e) => n + index.slice(e.frame, e.index).sizeBytes, 0) < file.sizeBytes,
      bytes: (async function* () {
        using _ = await store.holdPacks(version);
        yield* fileContent(file, sources);
      })(),
    };
  }

  async changes(from: string, to: string): Promise<AsyncIterable<ImageChange>> {
    const found = differences(await this.#both(from, to));
    return (async function* () {
      for await (const { change } of found) yield change;
    })();
  }

  async diffFolder(
    { from, to, path, kinds, after }: {
      from: string;
      to: string;
      path: BytePath;
      kinds?: readonly ChangeKind[] | undefined;
      after?: BytePath | undefined;
    },
  ): Promise<Omit<DiffFolder, "rows"> & { readonly rows: Iterable<DiffRow> }> {
    const versions = await this.#both(from, to);
    const diff = await this.#diff(
      `${this.#store.published(from).id} ${this.#store.published(to).id}`,
      versions,
    );
    if (versions.from.find(path) === undefined && versions.to.find(path) === undefined) {
      throw noSuchFile(path, `${from} or ${to}`);
    }
    return diff.folder(path, versions, { kinds, after });
  }

  async diffText({ from, to, path }: { from: string; to: string; path: BytePath }): Promise<TextDiff> {
    const [old, now] = [await this.#text(from, path), await this.#text(to, path)];
    if (old === undefined && now === undefined) throw noSuchFile(path, `${from} or ${to}`);
    return {
      path: toJsonPath(path),
      ...textDiff(
        { name: `${shown(path)} of ${from}`, text: old },
        { name: `${shown(path)} of ${to}`, text: now },
      ),
    };
  }

  /** Undefined if the version has no such file. Symlinks are not followed. Throws RackseedError (409). */
  async #text(ref: string, path: BytePath): Promise<string | undefined> {
    const { index, named, version } = await this.#open(ref);
    const number = index.find(path);
    if (number === undefined) return undefined;
    const file = attributed(index, index.entry(number));
    const refuse = (reason: string) =>
      new RackseedError(`cannot compare ${shown(path)} as text`, {
        reason,
        remedy: `fetch both and compare them otherwise: rackseed image cat ${named} ${shown(path)} -o FILE`,
        status: 409,
      });
    if (file.type !== "file") throw refuse(`in ${named} it is a ${file.type}.`);
    if (file.sizeBytes > MAX_TEXT_BYTES) {
      throw refuse(`in ${named} it has ${file.sizeBytes} bytes, more than ${MAX_TEXT_BYTES}.`);
    }
    const chunks: Uint8Array[] = [];
    const sources = { version, index, pool: this.#store.pool, onDamage: this.#onDamage };
    for await (const chunk of fileContent(file, sources)) chunks.push(chunk);
    const text = textOf(Buffer.concat(chunks));
    if (text === undefined) throw refuse(`in ${named} it is not text in UTF-8.`);
    return text;
  }

  #diff(key: string, versions: Versions): Promise<TreeDiff> {
    const diff = this.#diffs.get(key) ?? TreeDiff.make(versions);
    this.#diffs.delete(key);
    this.#diffs.set(key, diff);
    diff.catch(() => this.#diffs.delete(key));
    if (this.#diffs.size > KEPT_DIFFS) this.#diffs.delete(this.#diffs.keys().next().value as string);
    return diff;
  }

  async #both(from: string, to: string): Promise<Versions> {
    return { from: (await this.#open(from)).index, to: (await this.#open(to)).index };
  }

  async #open(ref: string): Promise<{ index: VersionIndex; named: string; version: PublishedVersion }> {
    const version = this.#store.published(ref);
    return { index: await this.#indexes.get(version), named: `${version.image}@${version.version}`, version };
  }

  #folder(index: VersionIndex, path: BytePath, named: string): EntryNumber {
    const number = index.resolve(path);
    if (number === undefined) throw noSuchFile(path, named);
    if (index.entry(number).type === "directory") return number;
    throw new RackseedError(`cannot list ${shown(path)} of ${named}`, {
      reason: "it is not a folder.",
      remedy: "name a folder; GET /images/:ref/file shows any other entry.",
      status: 409,
    });
  }
}

/** Undefined if it is not UTF-8, or holds a NUL, which no text does. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function shown(path: BytePath): string {
  return `/${displayPath(path)}`;
}

function noSuchFile(path: BytePath, named: string): RackseedError {
  return new RackseedError(`cannot find ${shown(path)} in ${named}`, {
    reason: "there is no such entry; the capture's excludes may have left it out.",
    remedy: "list the folder that it should be in.",
    status: 404,
  });
}
