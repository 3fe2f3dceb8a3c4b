/** Keeps the bucket and the local disk as they should be, in rounds; see README.md. */
import { getLogger } from "@logtape/logtape";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { sha256OfPack } from "#contract/format/sha256.ts";
import { BucketError, DamagedFile, faultOf } from "../bucket/bucket_error.ts";
import type { ObjectStore } from "../bucket/object_store.ts";
import type { Notices } from "../images/notices.ts";
import type { BucketObject, BucketObjects, PackHome } from "../store/bucket_objects.ts";
import { removeSync, syncPath } from "../store/durable.ts";
import type { ImageStore } from "../store/images.ts";
import type { PackSource } from "../store/pack_source.ts";
import { diskFull } from "../store/store_error.ts";
import type { PublishedVersion } from "../store/versions.ts";
import { PackCache } from "./pack_cache.ts";
import { noticesOf, viewOf } from "./pack_store_view.ts";
import { isThere, nextUpload, removable, type Wanted, type WantedVersion } from "./sync_plan.ts";

const log = getLogger(["rackseed", "pack-store"]);

/** How often the bucket is compared with what it should have. */
const AUDIT_MS = 3600_000;
/** How long a signed URL is good: a node asks for a new one with every piece. */
const URL_SECONDS = 3600;

export interface PackStoreOptions {
  readonly bucket: ObjectStore;
  readonly objects: BucketObjects;
  readonly store: Pick<ImageStore, "allPublished" | "refs" | "useOf" | "directory">;
  readonly notices: Pick<Notices, "set">;
  /** Limit of the packs on the local disk; undefined: none is removed. */
  readonly cacheBytes: number | undefined;
  /** Where nodes read the bucket without a signature. */
  readonly publicUrl: URL | undefined;
  /** Called before local packs of these versions go, and after they came. */
  readonly onMoved: (refs: readonly string[]) => Promise<void>;
  /** Called with a local file that is not what was published; it is not uploaded. */
  readonly onDamage: (path: string, what: string) => void;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

export class PackStore implements PackSource {
  readonly #options: PackStoreOptions;
  readonly #cache: PackCache;
  readonly #rows: Map<string, BucketObject>;
  /** Packs that are about to be removed from the local disk. */
  readonly #leaving = new Set<string>();
  /** Local files that are not what they should be; a new start looks again. */
  readonly #damaged = new Set<string>();
  /** Downloads under way, by path. */
  readonly #coming = new Map<string, Promise<void>>();
  /** By path: what of a published version it is. */
  #wanted = new Map<string, Wanted>();
  #versions: { readonly ref: string; readonly files: WantedVersion }[] = [];
  #seenRefs = "";
  #auditedAt = -Infinity;
  #running: Promise<void> | undefined;
  #needsRound = true;
  #problem: RackseedError | undefined;

  /** Throws RackseedError if the server's packs are in another bucket. */
  constructor(options: PackStoreOptions) {
    const { objects, bucket, now } = options;
    this.#options = options;
    this.#cache = new PackCache({ now });
    objects.assertUsableWith(bucket.url);
    this.#rows = new Map(objects.list().map((row) => [row.key, row]));
    // a new start may try again what was refused
    for (const row of this.#rows.values()) {
      if (row.state === "refused") this.#put({ ...row, state: "stored" });
    }
    this.#readVersions();
  }

  get home(): PackHome {
    return this.#options.objects.bucket?.home ?? "bucket";
  }

  /** Moves all packs into the bucket, or all of them back; the next rounds do it. */
  moveTo(home: PackHome): void {
    const { objects, bucket } = this.#options;
    if (objects.bucket?.url === bucket.url) objects.setBucket(bucket.url, home);
    this.#needsRound = true;
  }

  isElsewhere(path: string): boolean {
    return (this.#leaving.has(path) || !this.#cache.has(path)) && this.#isStored(path);
  }

  #isStored(path: string): boolean {
    const wanted = this.#wanted.get(path);
    return wanted !== undefined && isThere(this.#rows.get(wanted.key));
  }

  urlOf(path: string): string | undefined {
    const wanted = this.#wanted.get(path);
    if (wanted === undefined || !this.#isStored(path)) return undefined;
    const { bucket, publicUrl } = this.#options;
    if (this.#problem !== undefined && this.#cache.has(path)) return undefined;
    if (publicUrl === undefined) return bucket.urlOf(wanted.key, URL_SECONDS);
    return `${publicUrl.href.replace(/\/$/, "")}/${wanted.key.split("/").map(encodeURIComponent).join("/")}`;
  }

  async hold(paths: readonly string[]): Promise<Disposable> {
    const hold = this.#cache.hold(paths);
    try {
      const came = new Set<string>();
      for (const path of paths) {
        if (!this.isElsewhere(path)) continue;
        await this.#bring(path);
        came.add(path);
      }
      if (came.size > 0) await this.#options.onMoved(this.#refsOf(came));
      return hold;
    } catch (error) {
      hold[Symbol.dispose]();
      throw error;
    }
  }

  #bring(path: string): Promise<void> {
    const running = this.#coming.get(path);
    if (running) return running;
    const coming = this.#download(path).finally(() => this.#coming.delete(path));
    this.#coming.set(path, coming);
    return coming;
  }

  async #download(path: string): Promise<void> {
    const wanted = this.#wanted.get(path);
    this.#leaving.delete(path);
    if (wanted === undefined || this.#cache.has(path)) return;
    const { bucket, store: { directory }, signal } = this.#options;
    if (directory.roomBytes() < wanted.sizeBytes) throw diskFull(`cannot fetch ${wanted.key}`);
    // cleared at every start
    const temporary = `${directory.staging}/from-bucket-${crypto.randomUUID()}`;
    try {
      await bucket.download(wanted.key, { ...wanted, path: temporary, signal });
      await Deno.rename(temporary, path);
      await syncPath(path.slice(0, path.lastIndexOf("/")));
      log.info("pack-fetched", { key: wanted.key, bytes: wanted.sizeBytes });
    } catch (error) {
      removeSync(temporary);
      if (faultOf(error) === "missing") this.#lose(wanted.key);
      this.#note(error);
      throw error;
    }
  }

  /** Brings back the small files of versions, as after the data directory was lost. */
  async restoreFiles(): Promise<void> {
    const came = new Set<string>();
    for (const { path, key } of this.#wanted.values()) {
      if (!key.startsWith("versions/") || !this.isElsewhere(path)) continue;
      try {
        await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
        await this.#bring(path);
        came.add(path);
      } catch (error) {
        log.error("not-fetched", { key, error: messageOf(error) });
      }
    }
    if (came.size > 0) await this.#options.onMoved(this.#refsOf(came));
  }

  /** Two servers in one place would overwrite and remove each other's objects. */
  async #claim(): Promise<void> {
    const { bucket, objects, signal } = this.#options;
    if (objects.bucket?.url === bucket.url) return;
    for await (const { key } of bucket.list("", signal)) {
      throw new RackseedError(`cannot use ${bucket.url} as the pack store`, {
        reason: `${key} is there already, and this server did not put it there.`,
        remedy:
          "give it an empty bucket or a prefix of its own: --pack-store s3://BUCKET/PREFIX. If the objects are " +
          "this server's, restore its backup first.",
      });
    }
    objects.setBucket(bucket.url, "bucket");
  }

  /** One round, unless nothing has changed; joins the one that is under way. */
  tick(): Promise<void> {
    return this.#running ??= this.#round().finally(() => this.#running = undefined);
  }

  async #round(): Promise<void> {
    const { now, signal } = this.#options;
    if (signal.aborted) return;
    try {
      await this.#claim();
      await this.restoreFiles();
      if (this.#readVersions()) this.#needsRound = true;
      const audits = now() - this.#auditedAt >= AUDIT_MS;
      if (!this.#needsRound && !audits && this.#problem === undefined) return await this.#evict();
      if (audits || this.#problem !== undefined) await this.#audit();
      this.#problem = undefined;
      const isDone = this.home === "bucket" ? await this.#upload() : await this.#takeBack();
      await this.#remove();
      await this.#evict();
      this.#needsRound = !isDone;
    } catch (error) {
      if (!signal.aborted) this.#note(error);
    }
    if (!signal.aborted) this.#notice();
  }

  /** Whether versions were added or deleted. */
  #readVersions(): boolean {
    const { store } = this.#options;
    const refs = store.refs().sort().join(" ");
    if (refs === this.#seenRefs) return false;
    const published = store.allPublished();
    this.#versions = published.map((version) => ({
      ref: `${version.image}@${version.version}`,
      files: wantedOf(version),
    }));
    this.#wanted = new Map(this.#versions.flatMap(({ files }) => files.map((file) => [file.path, file])));
    this.#seenRefs = refs;
    return true;
  }

  /** Finds what the bucket lost, by its lifecycle rules or otherwise. */
  async #audit(): Promise<void> {
    const { bucket, signal, now } = this.#options;
    const found = new Map<string, number>();
    for (const folder of ["packs/", "versions/"]) {
      for await (const { key, sizeBytes } of bucket.list(folder, signal)) found.set(key, sizeBytes);
    }
    for (const row of [...this.#rows.values()]) {
      const isWhole = found.get(row.key) === row.sizeBytes;
      if (isThere(row) && !isWhole) this.#lose(row.key);
      // put back by hand
      if (row.state === "lost" && isWhole) this.#put({ ...row, state: "stored" });
    }
    this.#auditedAt = now();
  }

  #lose(key: string): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    log.warn("object-lost", { key });
    this.#put({ ...row, state: "lost" });
    this.#needsRound = true;
  }

  /** True if everything is in the bucket. */
  async #upload(): Promise<boolean> {
    const { signal } = this.#options;
    const skip = new Set<string>();
    const isLocal = ({ path }: Wanted) => this.#cache.has(path) && !this.#damaged.has(path);
    for (;;) {
      signal.throwIfAborted();
      // versions may have been added or deleted meanwhile
      this.#readVersions();
      const versions = this.#versions.map(({ files }) => files);
      const next = nextUpload(versions, { rows: this.#rows, isLocal, skip });
      if (next === undefined) return skip.size === 0;
      try {
        await this.#uploadOne(next);
      } catch (error) {
        // a file that went away meanwhile, with its version, or that is damaged does not keep the others
        if (error instanceof DamagedFile) {
          this.#damaged.add(next.path);
          this.#options.onDamage(next.path, error.message);
        } else if (!(error instanceof Deno.errors.NotFound)) throw error;
        skip.add(next.key);
      }
    }
  }

  async #uploadOne({ key, path, sizeBytes, sha256, needs }: Wanted): Promise<void> {
    const { bucket, signal } = this.#options;
    const { uploadId } = this.#rows.get(key) ?? {};
    const row = { key, sizeBytes, sha256, needs };
    using _ = this.#cache.hold([path], { isUse: false });
    await bucket.upload(key, {
      path,
      sha256,
      ...(uploadId !== undefined && { resume: { uploadId } }),
      onBegin: (progress) => this.#put({ ...row, state: "uploading", uploadId: progress.uploadId }),
      signal,
    });
    this.#put({ ...row, state: "stored" });
    log.info("object-stored", { key, bytes: sizeBytes });
  }

  /** True if everything is on the local disk; then nothing is wanted in the bucket. */
  async #takeBack(): Promise<boolean> {
    const paths = [...this.#wanted.keys()];
    using _ = await this.hold(paths);
    return paths.every((path) => !this.isElsewhere(path));
  }

  async #remove(): Promise<void> {
    const { bucket, objects, signal } = this.#options;
    const isLeft = this.home === "local" && [...this.#wanted.keys()].every((path) => this.#cache.has(path));
    const wanted = () => new Set(isLeft ? [] : [...this.#wanted.values()].map(({ key }) => key));
    for (let batch = removable(wanted(), this.#rows); batch.length > 0;) {
      for (const row of batch) {
        try {
          if (row.uploadId !== undefined) {
            await bucket.abandon(row.key, { uploadId: row.uploadId, signal });
          }
          await bucket.remove(row.key, signal);
        } catch (error) {
          if (faultOf(error) !== "refused") throw error;
          const { reason } = error as BucketError;
          log.warn("removal-refused", { key: row.key, reason });
          this.#put({ ...row, state: "refused", reason });
          continue;
        }
        objects.delete(row.key);
        this.#rows.delete(row.key);
        log.info("object-removed", { key: row.key });
      }
      this.#readVersions();
      batch = removable(wanted(), this.#rows);
    }
  }

  async #evict(): Promise<void> {
    const { cacheBytes, store, onMoved } = this.#options;
    if (cacheBytes === undefined || this.home === "local") return;
    const packs = [...this.#wanted.values()].filter(({ key, path }) =>
      key.startsWith("packs/") && this.#cache.has(path)
    );
    if (packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) <= cacheBytes) return;
    const inUse = new Set(
      this.#versions.flatMap(({ ref, files }) => {
        const [image = "", version] = ref.split("@");
        return store.useOf({ image, version: Number(version) }) === undefined
          ? []
          : files.map(({ path }) => path);
      }),
    );
    const going = this.#cache.surplus(packs, {
      limitBytes: cacheBytes,
      mayGo: (path) => this.#isStored(path) && !inUse.has(path),
    });
    if (going.length === 0) return;
    const paths = going.map(({ path }) => path);
    for (const path of paths) this.#leaving.add(path);
    await onMoved(this.#refsOf(new Set(paths)));
    for (const path of paths) {
      // somebody may have asked for it meanwhile
      if (!this.#leaving.delete(path) || this.#cache.isHeld(path)) continue;
      removeSync(path);
      log.info("pack-evicted", { path });
    }
  }

  #refsOf(paths: ReadonlySet<string>): string[] {
    return this.#versions.filter(({ files }) => files.some(({ path }) => paths.has(path))).map(({ ref }) =>
      ref
    );
  }

  #put(row: BucketObject): void {
    this.#options.objects.put(row);
    this.#rows.set(row.key, row);
  }

  #note(error: unknown): void {
    this.#problem = error instanceof RackseedError ? error : new RackseedError("cannot keep the pack store", {
      reason: `${messageOf(error)}.`,
      remedy: "read the server's log.",
      cause: error,
    });
    log.warn("pack-store-failed", { error: messageOf(error) });
  }

  #notice(): void {
    const notices = noticesOf(this.view(), this.#problem);
    for (const [name, notice] of Object.entries(notices)) this.#options.notices.set(name, notice);
  }

  view(): ReturnType<typeof viewOf> {
    const { bucket: { url }, cacheBytes } = this.#options;
    if (this.#readVersions()) this.#needsRound = true;
    return viewOf({
      url,
      home: this.home,
      wanted: [...this.#wanted.values()],
      rows: this.#rows,
      isLocal: (path) => this.#cache.has(path),
      problem: this.#problem,
      cacheBytes,
      isSettled: this.#running === undefined && !this.#needsRound && this.#problem === undefined,
    });
  }
}

/** Packs first, the manifest last. */
function wantedOf({ image, version, files, folder, payload }: PublishedVersion): WantedVersion {
  const packs = payload.slice(1).map(({ name, path, sizeBytes }) => ({
    key: `packs/${name}`,
    path,
    sizeBytes,
    sha256: sha256OfPack(name),
    needs: [],
  }));
  const others = files.map(({ name, sizeBytes, sha256 }) => ({
    key: `versions/${image}@${version}/${name}`,
    path: `${folder}/${name}`,
    sizeBytes,
    sha256,
    needs: name === "manifest.rsm" ? packs.map(({ key }) => key) : [],
  }));
  return [...packs, ...others.sort((a, b) => a.needs.length - b.needs.length)];
}
