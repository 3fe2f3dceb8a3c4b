import { getLogger } from "@logtape/logtape";
import { architectureOf } from "#contract/architectures.ts";
import { existsSync } from "node:fs";
import type { Database } from "./engine.ts";
import { ImageView, type StoredBytes, type VerifyEvent, type VersionView } from "#contract/api.ts";
import type { TagView } from "#contract/api/image_tags.ts";
import type { Entry, HashedExtent } from "#contract/format/entry.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { packName } from "#contract/format/sha256.ts";
import type { ImageSettings } from "#contract/api/restore.ts";
import type { DataDirectory } from "./data_directory.ts";
import { transaction } from "./database.ts";
import { removeSync, syncFolder, syncPath } from "./durable.ts";
import { exportTar } from "./export.ts";
import { Extents } from "./extents.ts";
import { hashedEntries } from "./hashed_entries.ts";
import { PreviousVersion } from "./previous_version.ts";
import { ForeignVersions } from "./foreign_versions.ts";
import { FramePool } from "./frame_pool.ts";
import { ImageSettingsTable } from "./image_settings.ts";
import { ImageTags } from "./image_tags.ts";
import type { SigningKey } from "./keys.ts";
import { Leftovers } from "./leftovers.ts";
import { type Lineage, Lineages } from "./lineages.ts";
import { type HeldLineage, HeldLineages } from "./held_lineages.ts";
import { LOCAL_PACKS, type PackSource } from "./pack_source.ts";
import { type Pack, Packs } from "./packs.ts";
import { PARTS_LAST_MS, recover } from "./recovery.ts";
import { verifyVersion } from "./verify.ts";
import { readManifest, VersionReader } from "./version_reader.ts";
import { unknownImage, viewOf } from "./version_views.ts";
import { restoreRemedy } from "./start_check.ts";
import { storedBytes } from "./stored_bytes.ts";
import { withRoom } from "./with_room.ts";
import { type NewVersion, type PublishedVersion, type VersionRecord, Versions } from "./versions.ts";

const log = getLogger(["rackseed", "store"]);

export interface ImageStoreOptions {
  readonly db: Database;
  readonly directory: DataDirectory;
  readonly signingKey: SigningKey;
  /** Why a version must not be deleted now ("node n1 installs it"); undefined if it may. */
  readonly inUse?: (version: { image: string; version: number }) => string | undefined;
  readonly pool?: FramePool;
  readonly packBytes?: number;
}

/** Images and their versions, on the disk and in the database. */
export class ImageStore implements Disposable {
  readonly directory: DataDirectory;
  readonly pool: FramePool;
  readonly packs: Packs;
  readonly extents: Extents;
  readonly signingKey: SigningKey;
  readonly #options: ImageStoreOptions;
  readonly #db: Database;
  readonly #versions: Versions;
  readonly lineages: Lineages;
  readonly #settings: ImageSettingsTable;
  readonly #tags: ImageTags;
  /** By version ("web@1"), until a version is added or deleted. */
  #stored: Map<string, StoredBytes> | undefined;
  readonly #leftovers: Leftovers;
  /** Packs and version folders that the database does not know, relative to the data directory; they stay. */
  readonly strays: readonly string[];
  readonly #holds: HeldLineages;
  /** For versions of other servers. */
  readonly foreign: ForeignVersions;
  /** Where packs are that are not on the local disk. */
  packSource: PackSource = LOCAL_PACKS;

  /** Repairs what a crash left. */
  constructor(options: ImageStoreOptions) {
    this.#options = options;
    this.directory = options.directory;
    this.signingKey = options.signingKey;
    this.pool = options.pool ?? new FramePool();
    this.#db = options.db;
    // tables that others refer to first
    this.lineages = new Lineages(options.db);
    this.packs = new Packs(options.db);
    this.extents = new Extents(options.db);
    this.#versions = new Versions(options.db);
    this.#tags = new ImageTags(options.db);
    this.#settings = new ImageSettingsTable(options.db);
    this.#leftovers = new Leftovers(options.db);
    const { db, directory, packBytes } = options;
    const { pool, packs, extents, lineages } = this, versions = this.#versions;
    this.#holds = new HeldLineages({ db, directory, pool, packs, extents, lineages, versions, packBytes });
    const hold = (image: string, key: Uint8Array) => this.hold(image, { key });
    this.foreign = new ForeignVersions({ db, directory, packs, extents, lineages, hold });
    this.#assertReadable();
    this.strays = recover({ db, directory, packs, versions, leftovers: this.#leftovers });
    this.#deleteUnusedLineages();
  }

  [Symbol.dispose](): void {
    this.pool[Symbol.dispose]();
  }

  /** All versions of all images, by name and number. */
  list(): ImageView[] {
    return this.#views(this.#versions.list()).map((view) => ImageView.parse(view));
  }

  /** Names of all versions, "web@1". */
  refs(): string[] {
    return this.#versions.refs();
  }

  usage(): { versions: number; packs: number; packBytes: number } {
    const { packs, bytes } = this.packs.totals();
    return { versions: this.refs().length, packs, packBytes: bytes };
  }

  /** Throws RackseedError (404) if there is none. */
  get(ref: string): VersionView {
    return this.#views([this.#record(ref)])[0] as VersionView;
  }

  #views(records: readonly VersionRecord[]): VersionView[] {
    const stored = this.#stored ??= storedBytes(this.#versions.withPacks()),
      none = { own: 0, shared: 0, lineage: 0 };
    const marks = new Map(
      [...new Set(records.map(({ image }) => image))].map((image) => [
        image,
        this.#tags.marksOf(this.#lineage(image)),
      ]),
    );
    return records.map((record) => {
      const { tags = [], note } = marks.get(record.image)?.(record.version) ?? {};
      return viewOf(record, { tags, note, stored: stored.get(`${record.image}@${record.version}`) ?? none });
    });
  }

  /** Throws RackseedError (404) if there is none. */
  published(ref: string): PublishedVersion {
    const record = this.#record(ref);
    const folder = this.directory.version(record.image, record.version);
    const manifest = record.files.find((f) => f.name === "manifest.rsm");
    return {
      ...record,
      folder,
      key: this.#lineage(record.image).key,
      publicKey: record.publicKey ?? this.signingKey.publicKey,
      payload: [
        { name: "manifest.rsm", path: `${folder}/manifest.rsm`, sizeBytes: manifest?.sizeBytes ?? 0 },
        ...this.#versions.packs(record).map((pack) => ({
          name: packName(pack.sha256 as string),
          path: this.directory.pack(pack),
          sizeBytes: pack.sizeBytes,
        })),
      ],
      torrentPath: `${folder}/torrent`,
      kernelPath: `${folder}/vmlinuz`,
      initrdPath: `${folder}/initrd-image`,
    };
  }

  /** All versions with their files, for the services that serve them. */
  allPublished(): PublishedVersion[] {
    return this.#versions.list().map(({ image, version }) => this.published(`${image}@${version}`));
  }

  /**
   * Deletes one version, and the packs that no other needs. NAME alone is enough if it has one version. Throws
   * RackseedError: 404 if there is none, 409 if the name is ambiguous or the version is in use.
   */
  delete(ref: string): void {
    const { image, version } = this.#record(ref);
    const title = `cannot delete ${image}@${version}`;
    const others = this.#versions.listOf(image);
    if (!ref.includes("@") && others.length > 1) {
      throw new RackseedError(`cannot delete ${ref}`, {
        reason: `it has ${others.length} versions: ${others.map((v) => `${image}@${v.version}`).join(", ")}.`,
        remedy: `name the one to delete, for instance ${image}@${others[0]?.version}.`,
        status: 409,
      });
    }
    const user = this.useOf({ image, version });
    if (user !== undefined) {
      throw new RackseedError(title, {
        reason: `${user}.`,
        remedy: "wait until that is done, or cancel it; then delete again.",
        status: 409,
      });
    }
    const paths = this.#forget({ image, version }, { isLast: others.length === 1 });
    for (const path of paths) removeSync(`${this.directory.path}/${path}`);
    this.#leftovers.forgetIfRoom(paths);
    log.info("version-deleted", { image, version, packs: paths.length - 1 });
  }

  /**
   * Removes the version from the database. Returns the paths to remove now. On a full disk it first frees space by
   * removing them: the operator ordered their removal, even if the server dies in between.
   */
  #forget(
    { image, version }: { image: string; version: number },
    { isLast }: { isLast: boolean },
  ): string[] {
    const lineage = this.#lineage(image);
    const folder = `versions/${image}@${version}`;
    const work = () =>
      transaction(this.#db, () => {
        this.#stored = undefined;
        this.#versions.delete(lineage.id, version);
        const packs = this.#versions.unneededPacks();
        if (isLast) packs.push(...this.packs.partsOf(lineage.id));
        for (const { id } of packs) this.packs.delete(id);
        if (isLast) this.#settings.forget(image);
        this.#deleteUnusedLineages();
        const paths = [folder, ...packs.map((pack) => this.directory.relativePack(pack))];
        this.#leftovers.add(paths);
        return paths;
      });
    return withRoom(work, [
      () => this.directory.reserve.release(),
      // the log is then overwritten from its start, which takes no space
      () => this.#db.exec(this.#db.engine === "sqlite" ? "PRAGMA wal_checkpoint(RESTART)" : ""),
      () => removeSync(`${this.directory.path}/${folder}`),
      () => {
        for (const path of this.#ownPacks(`${image}@${version}`)) removeSync(path);
      },
    ]);
  }

  /** Paths of the packs that only this version uses. */
  #ownPacks(ref: string): string[] {
    const packs = (mine: boolean) =>
      this.allPublished().filter((v) => (`${v.image}@${v.version}` === ref) === mine)
        .flatMap(({ payload }) => payload.slice(1).map(({ path }) => path));
    const others = new Set(packs(false));
    return packs(true).filter((path) => !others.has(path));
  }

  /** Bytes that deleting these versions ("web@1") frees: their own files, and the packs that only they use. */
  ownBytes(refs: readonly string[]): number {
    const going = new Set(refs), needed = new Set<string>();
    const sizes = new Map<string, number>();
    for (const { image, version, folder, files, payload } of this.allPublished()) {
      const goes = going.has(`${image}@${version}`);
      for (const { name, sizeBytes } of goes ? files : []) sizes.set(`${folder}/${name}`, sizeBytes);
      for (const { path, sizeBytes } of payload.slice(1)) {
        if (goes) sizes.set(path, sizeBytes);
        else needed.add(path);
      }
    }
    for (const path of needed) sizes.delete(path);
    return sizes.values().reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Why the version must not be deleted now, as text; undefined if it may. */
  useOf({ image, version }: { image: string; version: number }): string | undefined {
    return this.#holds.useOf(image) ?? this.#options.inUse?.({ image, version });
  }

  /** Settings for all versions of the image. Throws RackseedError (404) if there is none. */
  settings(image: string): ImageSettings {
    return this.#settings.get(this.#record(image).image);
  }

  /** Replaces the settings. Throws RackseedError (404). */
  set(image: string, settings: ImageSettings): ImageSettings {
    this.#settings.put(this.#record(image).image, settings);
    return settings;
  }

  /** Lets the tag name this version; one that names another is moved. Throws RackseedError (404, 409). */
  setTag(image: string, { tag, version }: { tag: string; version: number }): TagView {
    const found = this.#record(`${image}@${version}`);
    const before = this.#tags.put(this.#lineage(image), { tag, version: found.version });
    return { image, tag, version, ...(before !== undefined && before !== version && { before }) };
  }

  /** Throws RackseedError (404). */
  removeTag(image: string, tag: string): void {
    this.#tags.delete(this.#lineage(this.#record(image).image), tag);
  }

  /** "" removes it. Throws RackseedError (404). */
  setNote(ref: string, note: string): VersionView {
    const { image, version } = this.#record(ref);
    this.#tags.setNote(this.#lineage(image), { version, note });
    return this.get(`${image}@${version}`);
  }

  /** Reads all of the version again and checks it. */
  async *verify(ref: string): AsyncGenerator<VerifyEvent> {
    const published = this.published(ref);
    using _ = await this.holdPacks(published);
    yield* verifyVersion(published, this.pool);
  }

  /** Brings the version's packs to the local disk, where they stay until this is disposed of. */
  holdPacks({ payload }: PublishedVersion): Promise<Disposable> {
    return this.packSource.hold(payload.map(({ path }) => path));
  }

  /** The version as a pax tar that GNU tar extracts. */
  async exportTar(ref: string): Promise<ReadableStream<Uint8Array>> {
    // an open reader has its packs open, so they may be removed meanwhile
    using _ = await this.holdPacks(this.published(ref));
    return exportTar(this.openVersion(ref));
  }

  /** The image's newest version; undefined if it has none. */
  previous({ image }: Lineage): PreviousVersion | undefined {
    const record = this.#versions.listOf(image).at(-1);
    return record && new PreviousVersion(record, this.directory.version(image, record.version));
  }

  /** Reads and checks the manifest. Throws RackseedError (404), or RangeError if it is damaged. */
  openVersion(ref: string): VersionReader {
    const published = this.published(ref);
    return new VersionReader(readManifest(published), {
      packs: published.payload.slice(1).map((f) => f.path),
      key: published.key,
    });
  }

  /** A version's entries in the form of a capture. Throws as `openVersion` does. */
  hashedEntries(ref: string): Generator<Entry<HashedExtent>> {
    return hashedEntries(readManifest(this.published(ref)));
  }

  /** The numbers of the image's next version and of its newest one. A number is never used twice. */
  nextVersion(lineage: Lineage): { version: number; parent: number | undefined } {
    const parent = this.#versions.listOf(lineage.image).at(-1)?.version;
    let version = this.lineages.lastVersion(lineage.id) + 1;
    // skip the number of a folder that the database does not know
    while (existsSync(this.directory.version(lineage.image, version))) version++;
    return { version, parent };
  }

  /**
   * Opens the image's lineage for new frames, and protects its content from deletion until it is released. Undefined if
   * a capture holds it already. `backupOf`: the node whose backups the image holds. `base`: an image whose published
   * content need not be sent again. `key`: that of a new lineage, if it comes from elsewhere. Throws RackseedError (409) if the image is of another kind.
   */
  hold(
    image: string,
    options: { backupOf?: string | undefined; base?: string | undefined; key?: Uint8Array } = {},
  ): HeldLineage | undefined {
    if (this.#holds.byImage.has(image)) return undefined;
    const held = new Set(this.#holds.byImage.values());
    this.#dropParts(this.packs.partsBefore(Date.now() - PARTS_LAST_MS).filter((p) => !held.has(p.lineage)));
    return this.#holds.open(image, options);
  }

  /** The key of a pack's frames, if it is not this lineage's. */
  lentKey(pack: Pack, { lineage }: { lineage: Lineage }): Uint8Array | undefined {
    return pack.lineage === lineage.id ? undefined : this.lineages.get(pack.lineage)?.key;
  }

  /** Drops the image's frames that no version uses, unless a capture is adding to them. */
  dropUnpublished(image: string): void {
    const lineage = this.lineages.find(image);
    if (lineage !== undefined && !this.#holds.byImage.has(image)) {
      this.#dropParts(this.packs.partsOf(lineage.id));
    }
  }

  /**
   * Makes a version visible, all at once. New packs get their final name before the transaction and lose their first one
   * after it, so a crash leaves either the old state or the new one, and recovery removes the other's files.
   */
  async publish({ lineage, record, packs, stagingPath, signal }: NewVersion): Promise<void> {
    const fresh = packs.filter((pack) => this.packs.get(pack.id)?.sha256 === null);
    const parts = fresh.map((pack) => this.directory.relativePack({ ...pack, sha256: null }));
    const folder = `versions/${lineage.image}@${record.version}`;
    const made = [folder, ...fresh.map((pack) => this.directory.relativePack(pack))];
    transaction(this.#db, () => this.#leftovers.add(made, { parts }));
    try {
      for (const pack of fresh) {
        removeSync(this.directory.pack(pack));
        await Deno.link(this.directory.pack({ ...pack, sha256: null }), this.directory.pack(pack));
      }
      await syncPath(this.directory.packs);
      await syncFolder(stagingPath);
      await Deno.rename(stagingPath, `${this.directory.path}/${folder}`);
      await syncPath(this.directory.versions);
      signal.throwIfAborted();
      transaction(this.#db, () => {
        for (const pack of fresh) this.packs.complete(pack.id, pack.sha256);
        this.lineages.raiseLastVersion(lineage.id, record.version);
        this.#versions.insert(lineage.id, { record, packs: packs.map((p) => p.id) });
        this.#leftovers.forget(made);
      });
      this.#stored = undefined;
    } catch (error) {
      for (const path of made) removeSync(`${this.directory.path}/${path}`);
      throw error;
    }
    for (const part of parts) removeSync(`${this.directory.path}/${part}`);
    log.info("version-published", { image: lineage.image, version: record.version, id: record.id });
  }

  #dropParts(parts: readonly Pack[]): void {
    transaction(this.#db, () => {
      for (const { id } of parts) this.packs.delete(id);
      this.#deleteUnusedLineages();
    });
    for (const pack of parts) removeSync(this.directory.pack(pack));
  }

  /** Keeps the lineages of unknown version folders, which may still need their image's key. */
  #deleteUnusedLineages(): void {
    const needed = new Map(this.#holds.byImage);
    for (const stray of this.strays) {
      const image = /^versions\/([^@]+)@/.exec(stray)?.[1];
      const lineage = image === undefined ? undefined : this.lineages.find(image);
      if (lineage) needed.set(lineage.image, lineage.id);
    }
    this.lineages.deleteUnused(needed);
  }

  /** Throws RackseedError if the database cannot list its versions. */
  #assertReadable(): void {
    try {
      this.allPublished();
    } catch (error) {
      throw new RackseedError(`cannot read the versions in the database ${this.directory.database}`, {
        reason: `${messageOf(error)}. No version was touched.`,
        remedy: restoreRemedy(this.directory.path),
        cause: error,
      });
    }
  }

  #lineage(image: string): Lineage {
    const lineage = this.lineages.find(image);
    if (lineage === undefined) throw new Error(`image ${image} has versions but no lineage`);
    return lineage;
  }

  #record(ref: string): VersionRecord {
    const [image = "", which] = ref.split("@");
    const versions = this.#versions.listOf(image), architecture = architectureOf(which ?? "");
    const isTag = which !== undefined && !architecture && /^[a-z]/.test(which) && versions.length > 0;
    const number = isTag ? this.#tags.get(this.#lineage(image), which) : Number(which);
    const isMeant = ({ version, header }: VersionRecord) =>
      architecture ? architectureOf(header.source?.architecture ?? "") === architecture : version === number;
    const found = which === undefined ? versions.at(-1) : versions.findLast(isMeant);
    if (found) return found;
    const refs = versions.map((v) => `${image}@${v.version}`);
    throw unknownImage(ref, refs.length > 0 ? refs : this.#versions.list().map((v) => v.image));
  }
}
