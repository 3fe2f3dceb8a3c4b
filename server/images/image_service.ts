/** Published versions as the rest of the server uses them: in the store, in the swarm, over the web seed. */
import type { ImageView, PruneAnswer, PruneRequest, VerifyEvent, VersionView } from "#contract/api.ts";
import { getLogger } from "@logtape/logtape";
import type { TagView } from "#contract/api/image_tags.ts";
import { damagedCopy } from "#contract/damaged_copy.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { ExtentRequest } from "#contract/format/extent_answer.ts";
import { sha256OfPack } from "#contract/format/sha256.ts";
import { type Metainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import type { ImageSettings } from "#contract/api/restore.ts";
import { ImageWatch } from "./image_watch.ts";
import type { Notices } from "./notices.ts";
import type { TorrentFile } from "../rsync/torrent_file.ts";
import { ExtentService } from "../store/extent_service.ts";
import type { ImageStore } from "../store/images.ts";
import { StoredVersionFiles } from "./browse/version_files.ts";
import { plainManifest } from "../store/plain_manifest.ts";
import { planPrune } from "../store/prune_plan.ts";
import { isDiskFull } from "../store/store_error.ts";
import { ofUpstream } from "../store/version_views.ts";
import type { PublishedVersion } from "../store/versions.ts";
import type { Seeder } from "../swarm/seeder.ts";
import type { WebSeedFile } from "../swarm/web_seed.ts";
import type { Images, ImageSecrets } from "../fleet/ports.ts";

const log = getLogger(["rackseed", "images"]);

export class ImageService implements Images {
  readonly #store: ImageStore;
  readonly #seeder: Seeder;
  readonly #extents: ExtentService;
  readonly #elsewhere: (
    file: { sha256: string; sizeBytes: number },
  ) => Promise<string | undefined> | undefined;
  readonly #watch: ImageWatch;
  /** What is in the versions, for those who look at their files. */
  readonly files: StoredVersionFiles;
  /** Files of the web seed by torrent name, then by file name. */
  readonly #webSeed = new Map<string, Map<string, WebSeedFile>>();
  /** The torrents in the swarm, by version, "web@1". */
  readonly #seeded = new Map<string, Metainfo>();
  /** Versions whose packs are being fetched from the pack store. */
  readonly #coming = new Set<string>();
  /** Torrent files by version, "web@1". */
  readonly #torrents = new Map<string, TorrentFile>();
  /** The one that was asked for last: nodes that are checked together mostly have the same image. */
  #plainManifest: { readonly id: string; readonly bytes: Promise<Uint8Array<ArrayBuffer>> } | undefined;

  constructor(
    store: ImageStore,
    { seeder, notices, elsewhere = () => undefined }: {
      seeder: Seeder;
      notices: Notices;
      /** A URL besides the pack store's that has the file; undefined if there is none now. */
      elsewhere?:
        | ((file: { sha256: string; sizeBytes: number }) => Promise<string | undefined> | undefined)
        | undefined;
    },
  ) {
    this.#elsewhere = elsewhere;
    this.#store = store;
    this.#seeder = seeder;
    this.#watch = new ImageWatch({
      refs: () => store.refs(),
      published: (ref) => store.published(ref),
      isElsewhere: (path) => store.packSource.isElsewhere(path),
      hashFile: (path) => store.pool.hashFile(path),
      notices,
    });
    const onDamage = (path: string, what: string) => this.#watch.found(path, what);
    this.#extents = new ExtentService(store.pool, onDamage);
    this.files = new StoredVersionFiles(store, { onDamage });
  }

  /** Checks the files on the disk for what is missing or has changed. Returns at once while a check is under way. */
  check(signal: AbortSignal): Promise<void> {
    return this.#watch.check(signal);
  }

  /** A file of a version appeared damaged. */
  found(path: string, damage: string): void {
    this.#watch.found(path, damage);
  }

  isDamaged(path: string): boolean {
    return this.#watch.isDamaged(path);
  }

  damage(ref: string): RackseedError | undefined {
    return this.#watch.damageOf(ref);
  }

  /** Serves all published versions. A damaged one is logged, and does not keep the others from being served. */
  async start(): Promise<void> {
    for (const version of this.#store.allPublished()) {
      const image = `${version.image}@${version.version}`;
      try {
        await this.#serve(version);
      } catch (error) {
        const remedy = `find out what is wrong with it: rackseed image verify ${image}`;
        log.error("not-served", { image, error: messageOf(error), remedy });
      }
    }
  }

  /** Serves a version that has just been published. */
  async serve(ref: string): Promise<void> {
    await this.#serve(this.#store.published(ref));
  }

  /** Serves these versions from where their packs are now. */
  async serveAgain(refs: readonly string[]): Promise<void> {
    for (const ref of refs) {
      if (!this.#seeded.has(ref)) continue;
      await this.#stopServing(ref);
      await this.serve(ref).catch((error) =>
        log.error("not-served", { image: ref, error: messageOf(error) })
      );
    }
  }

  list(): ImageView[] {
    return this.#store.list();
  }

  get(ref: string): VersionView {
    return this.#store.get(ref);
  }

  async delete(ref: string): Promise<void> {
    const { image, version } = this.#store.published(ref);
    const named = `${image}@${version}`;
    try {
      this.#store.delete(ref);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      // removed files take room as long as they are open
      await this.#stopServing(named);
      this.#store.delete(ref);
    }
    await this.#stopServing(named);
  }

  async #stopServing(named: string): Promise<void> {
    const metainfo = this.#seeded.get(named);
    this.#seeded.delete(named);
    this.#torrents.delete(named);
    if (metainfo === undefined) return;
    this.#webSeed.delete(metainfo.info.name);
    await this.#seeder.remove(metainfo.infoHash);
  }

  useOf(version: { image: string; version: number }): string | undefined {
    return this.#store.useOf(version);
  }

  async prune(
    { images, apply, force = false, ...policy }: PruneRequest,
    { need, nowMs }: {
      need: (version: { image: string; version: number }) => string | undefined;
      nowMs: number;
    },
  ): Promise<PruneAnswer> {
    const named = ({ image, version }: { image: string; version: number }) => `${image}@${version}`;
    const versions = this.list().filter(({ image }) => images?.includes(image) ?? true);
    const plan = planPrune(versions, policy, {
      nowMs,
      need: (version) =>
        this.#store.useOf(version) ?? need(version) ??
          (version.tags.length > 0 && !force ? `tagged ${version.tags.join(", ")}` : undefined),
    });
    const freedBytes = this.#store.ownBytes(plan.removed.map(named));
    const removed: ImageView[] = [], kept = [...plan.kept];
    for (const version of plan.removed) {
      const reason = apply ? await this.#deleteUnlessUsed(named(version)) : undefined;
      if (reason === undefined) removed.push(version);
      else kept.push({ version, reason });
    }
    const view = ({ image, version, created }: ImageView) => ({ image, version, created });
    return {
      applied: apply,
      removed: removed.map(view),
      kept: kept.map(({ version, reason }) => ({ ...view(version), reason })),
      freedBytes,
    };
  }

  /** Deletes the version, or returns why not: a node or capture has begun to use it in the meantime. */
  async #deleteUnlessUsed(ref: string): Promise<string | undefined> {
    try {
      await this.delete(ref);
      return undefined;
    } catch (error) {
      if (error instanceof RackseedError && error.status === 409) return error.reason;
      throw error;
    }
  }

  setTag(image: string, tag: { tag: string; version: number }): TagView {
    this.#assertOwn(`cannot set the tag ${tag.tag} of ${image}`, image);
    return this.#store.setTag(image, tag);
  }

  removeTag(image: string, tag: string): void {
    this.#assertOwn(`cannot remove the tag ${tag} of ${image}`, image);
    this.#store.removeTag(image, tag);
  }

  setNote(ref: string, note: string): VersionView {
    return this.#store.setNote(ref, note);
  }

  settings(image: string): ImageSettings {
    return this.#store.settings(image);
  }

  set(image: string, settings: ImageSettings): ImageSettings {
    this.#assertOwn(`cannot change the settings of ${image}`, image);
    return this.#store.set(image, settings);
  }

  #assertOwn(title: string, image: string): void {
    if (this.#store.get(image).mirrored) throw ofUpstream(title, image);
  }

  verify(ref: string): AsyncIterable<VerifyEvent> {
    return this.#store.verify(ref);
  }

  exportTar(ref: string): Promise<ReadableStream<Uint8Array>> {
    return this.#store.exportTar(ref);
  }

  async metainfo(ref: string): Promise<Uint8Array> {
    const { image, version, torrentPath } = this.#store.published(ref);
    try {
      return await Deno.readFile(torrentPath);
    } catch (error) {
      throw damagedCopy(`${image}@${version}`, `torrent: ${messageOf(error)}`);
    }
  }

  seeds(ref: string): boolean {
    if (!this.#seeder.isOn) return false;
    const isHere = this.#store.published(ref).payload
      .every(({ path }) => !this.#store.packSource.isElsewhere(path));
    if (!isHere) this.#bring(ref);
    return isHere;
  }

  secrets(ref: string): ImageSecrets {
    const { id, signature, publicKey, headerLine, key } = this.#store.published(ref);
    return {
      manifest: { id, signature, publicKey, header: headerLine },
      key: Buffer.from(key).toString("base64"),
    };
  }

  async plainManifest(ref: string): Promise<Uint8Array<ArrayBuffer>> {
    const version = this.#store.published(ref), { id } = version;
    if (this.#plainManifest?.id !== id) this.#plainManifest = { id, bytes: plainManifest(version) };
    try {
      return await this.#plainManifest.bytes;
    } catch (error) {
      this.#plainManifest = undefined;
      throw damagedCopy(`${version.image}@${version.version}`, `manifest: ${messageOf(error)}`);
    }
  }

  file(ref: string, name: string): WebSeedFile | undefined {
    const { image, version, payload } = this.#store.published(ref);
    const torrent = this.#seeded.get(`${image}@${version}`)?.info.name;
    const served = torrent === undefined ? undefined : this.webSeedFile({ torrent, file: name });
    // whoever asks here cannot, or need not, reach the pack store
    if (served) return { ...served, elsewhere: undefined };
    const file = payload.find((f) => f.name === name);
    return file && { path: file.path, length: file.sizeBytes };
  }

  async *extents(ref: string, request: ExtentRequest): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const version = this.#store.published(ref);
    using _ = await this.#store.holdPacks(version);
    yield* this.#extents.cut(version, request);
  }

  webSeedFile({ torrent, file }: { torrent: string; file: string }): WebSeedFile | undefined {
    return this.#webSeed.get(torrent)?.get(file);
  }

  /** The torrent files of all versions, for rsync. */
  torrentFiles(): TorrentFile[] {
    return [...this.#torrents.values()];
  }

  /** Brings a version's packs to the local disk, once at a time; then it is served from there. */
  #bring(ref: string): void {
    if (this.#coming.has(ref)) return;
    this.#coming.add(ref);
    this.#store.holdPacks(this.#store.published(ref)).then((hold) => hold[Symbol.dispose](), () => {})
      .finally(() => this.#coming.delete(ref));
  }

  async #serve({ id, image, version, header, torrentPath, payload, files }: PublishedVersion): Promise<void> {
    const metainfo = parseMetainfo(await Deno.readFile(torrentPath));
    const named = `${image}@${version}`;
    const paths = new Map(payload.map(({ name, path }) => [name, path]));
    const { packSource } = this.#store;
    // a piece may span two packs, so a version is served from here whole or not at all
    const isHere = payload.every(({ path }) => !packSource.isElsewhere(path));
    const storage = this.#seeder.add(metainfo, {
      isHere,
      paths: metainfo.info.files.map(({ name }) => paths.get(name) ?? missing(name)),
      onDamage: (path, what) => this.#watch.found(path, what),
    });
    this.#seeded.set(named, metainfo);
    let position = 0;
    const sealed = files.find(({ name }) => name === "manifest.rsm")?.sha256;
    this.#webSeed.set(
      metainfo.info.name,
      new Map(metainfo.info.files.map(({ name, length }) => {
        const start = position;
        position += length;
        const damageIn = (offset: number, bytes: number) => {
          const what = storage.damageIn(start + offset, bytes);
          return what === undefined ? undefined : damagedCopy(named, what);
        };
        const path = paths.get(name) ?? missing(name);
        const sha256 = name === "manifest.rsm" ? sealed ?? "" : sha256OfPack(name);
        const elsewhere = () => packSource.urlOf(path) ?? this.#elsewhere({ sha256, sizeBytes: length });
        const bring = () => this.#bring(named);
        const tag = name === "manifest.rsm" ? id : sha256OfPack(name);
        return [name, { path, length, damageIn, tag, elsewhere, ...(!isHere && { bring }) }];
      })),
    );
    this.#torrents.set(named, {
      name: `${named}.torrent`,
      sizeBytes: (await Deno.stat(torrentPath)).size,
      modifiedSeconds: Math.floor(Date.parse(header.created) / 1000),
      read: () => Deno.readFile(torrentPath),
    });
  }
}

function missing(name: string): never {
  throw new Error(`the torrent names ${name}, which the version does not have`);
}
