/** Keeps this server's copies of the upstream's versions as the upstream's offer has them, one version after another. */
import { getLogger } from "@logtape/logtape";
import type { MirrorView, OfferedImage } from "#contract/api/sites.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import type { PeerNetwork } from "#torrent/session/peer_listener.ts";
import type { PublishPorts } from "../capture/publish.ts";
import type { SwarmAddresses } from "../fleet/ports.ts";
import { removeSync } from "../store/durable.ts";
import type { ImageStore } from "../store/images.ts";
import type { UpstreamTable } from "../store/upstream.ts";
import { adoptVersion } from "./adopt_version.ts";
import { fetchVersion, mirrorFolder, type WantedVersion } from "./fetch_version.ts";

const log = getLogger(["rackseed", "upstream"]);

/** Pause before a version that failed is tried again. */
const RETRY_MS = 30_000;
const MAX_PROBLEM = 300;

interface MirrorPorts {
  readonly store: ImageStore;
  readonly table: UpstreamTable;
  /** Serves a version that has just been published. */
  readonly serve: (ref: string) => Promise<void>;
  /** Deletes a version that is no longer assigned, unless something here needs it. */
  readonly deleteUnneeded: (version: { readonly image: string; readonly version: number }) => Promise<void>;
  readonly makeBoot: PublishPorts["makeBoot"];
  readonly swarm: SwarmAddresses;
  readonly network: PeerNetwork;
  /** Of downloads. */
  readonly limit: RateLimit;
  /** Whether image data may be copied now. */
  readonly isOpen: () => boolean;
  /** A version has come or gone, or a tag has moved. */
  readonly onImages: () => void;
  readonly now: () => number;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

type Copy = { -readonly [K in keyof MirrorView]: MirrorView[K] } & { retryAtMs?: number };

export class Mirror {
  readonly #ports: MirrorPorts;
  #images: readonly OfferedImage[] = [];
  /** By version, "web@3", in the order of the offer. */
  readonly #copies = new Map<string, Copy>();
  #copying:
    | { readonly ref: string; readonly stop: AbortController; readonly ended: Promise<void> }
    | undefined;

  constructor(ports: MirrorPorts) {
    this.#ports = ports;
  }

  view(): MirrorView[] {
    return [...this.#copies.values()].map(({ retryAtMs: _, ...view }) => view);
  }

  /** What is to be here from now on. */
  async want(images: readonly OfferedImage[]): Promise<void> {
    const { table } = this.#ports;
    this.#images = images;
    const wanted = this.#wanted(), refs = new Set(wanted.map(refOf));
    table.setWanted(wanted.map(({ image, version }) => ({ image: image.image, version: version.version })));
    if (this.#copying && !refs.has(this.#copying.ref)) await this.stop();
    for (const ref of [...this.#copies.keys()]) if (!refs.has(ref)) this.#copies.delete(ref);
    const here = new Map(this.#local().map(({ image, version, id }) => [`${image}@${version}`, id]));
    const isHere = (one: WantedVersion) => here.get(refOf(one)) === one.version.id;
    for (const one of wanted) this.#note(one, isHere(one));
    await this.#tidy(wanted, isHere);
  }

  /** Begins to copy the next version, if one is missing and it may be. `client`: of the upstream. */
  tick(client: ApiClient): void {
    const { isOpen, now, signal } = this.#ports;
    if (signal.aborted) return;
    if (!isOpen()) return void this.stop();
    if (this.#copying) return;
    const next = this.#wanted().find((one) => {
      const { state, retryAtMs = 0 } = this.#copies.get(refOf(one)) ?? {};
      return state !== "ready" && now() >= retryAtMs;
    });
    if (!next) return;
    const stop = new AbortController(), ref = refOf(next);
    const ended = this.#copy(next, { client, signal: AbortSignal.any([signal, stop.signal]) })
      .finally(() => this.#copying = undefined);
    this.#copying = { ref, stop, ended };
  }

  /** Stops what is under way; a later `tick` resumes it. */
  async stop(): Promise<void> {
    this.#copying?.stop.abort(new Error("copying is stopped"));
    await this.#copying?.ended;
  }

  async #copy(
    wanted: WantedVersion,
    { client, signal }: { client: ApiClient; signal: AbortSignal },
  ): Promise<void> {
    const { store, network, limit, now } = this.#ports, ref = refOf(wanted);
    const copy = this.#note(wanted, false);
    copy.state = "copying";
    try {
      const fetched = await fetchVersion(wanted, {
        client,
        directory: store.directory,
        network,
        limit,
        onProgress: (done, total) => Object.assign(copy, { doneBytes: done, totalBytes: total }),
        signal,
      });
      await adoptVersion(wanted, fetched, { ...this.#ports, signal });
      await this.#ports.serve(ref);
      Object.assign(copy, { state: "ready", doneBytes: copy.totalBytes });
      delete copy.problem;
      log.info("version-mirrored", { image: ref, id: wanted.version.id });
      this.#follow(wanted.image);
      this.#ports.onImages();
    } catch (error) {
      copy.state = "waiting";
      if (signal.aborted) return;
      const reason = error instanceof RackseedError ? error.reason : messageOf(error);
      const problem = reason.slice(0, MAX_PROBLEM);
      Object.assign(copy, { state: "failed", problem, retryAtMs: now() + RETRY_MS });
      log.error("not-mirrored", { image: ref, error: messageOf(error) });
    }
  }

  #wanted(): WantedVersion[] {
    return this.#images.flatMap(({ versions, ...image }) => versions.map((version) => ({ image, version })));
  }

  #note(wanted: WantedVersion, isHere: boolean): Copy {
    const ref = refOf(wanted), known = this.#copies.get(ref), { totalBytes } = wanted.version;
    if (known && (known.state === "ready") === isHere) return known;
    const copy: Copy = {
      image: wanted.image.image,
      version: wanted.version.version,
      state: isHere ? "ready" : "waiting",
      doneBytes: isHere ? totalBytes : 0,
      totalBytes,
    };
    this.#copies.set(ref, copy);
    return copy;
  }

  #local() {
    return this.#ports.store.list().filter(({ mirrored }) => mirrored);
  }

  /** Deletes what is no longer assigned, and lets tags and settings follow the upstream's. */
  async #tidy(
    wanted: readonly WantedVersion[],
    isHere: (one: WantedVersion) => boolean,
  ): Promise<void> {
    const { store, deleteUnneeded } = this.#ports;
    const refs = new Set(wanted.map(refOf));
    for (const image of this.#images) this.#follow(image);
    // a version that is followed by another stays until that one is here
    const coming = new Set(wanted.filter((one) => !isHere(one)).map(({ image }) => image.image));
    for (const version of this.#local()) {
      if (refs.has(`${version.image}@${version.version}`) || coming.has(version.image)) continue;
      await deleteUnneeded(version);
    }
    const folders = new Set(wanted.map((one) => mirrorFolder(store.directory, one)));
    for (const name of namesIn(store.directory.mirror)) {
      const path = `${store.directory.mirror}/${name}`;
      if (!folders.has(path)) removeSync(path);
    }
  }

  #follow({ image, tags, settings }: Omit<OfferedImage, "versions">): void {
    const { store, onImages } = this.#ports;
    const here = this.#local().filter((version) => version.image === image);
    if (here.length === 0) return;
    const had = new Map(here.flatMap(({ version, tags }) => tags.map((tag) => [tag, version])));
    const has = new Map(
      tags.filter(({ version }) => here.some((one) => one.version === version))
        .map(({ tag, version }) => [tag as string, version]),
    );
    const gone = [...had.keys()].filter((tag) => !tags.some((one) => one.tag === tag));
    const moved = [...has].filter(([tag, version]) => had.get(tag) !== version);
    for (const tag of gone) store.removeTag(image, tag);
    for (const [tag, version] of moved) store.setTag(image, { tag, version });
    if (JSON.stringify(store.settings(image)) !== JSON.stringify(settings)) store.set(image, settings);
    if (gone.length + moved.length > 0) onImages();
  }
}

function refOf({ image, version }: WantedVersion): string {
  return `${image.image}@${version.version}`;
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
