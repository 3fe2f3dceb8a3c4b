/** What the API needs of the services behind it. Every method throws RackseedError where it refuses. */
import type {
  CaptureOrder,
  CaptureProgress,
  CaptureRequest,
  CaptureView,
  ImageChange,
  ImageView,
  Order,
  PruneAnswer,
  PruneRequest,
  ServerEvent,
  VerifyEvent,
  VersionView,
} from "#contract/api.ts";
import type { ExtentRequest } from "#contract/format/extent_answer.ts";
import type { ImageSettings } from "#contract/api/restore.ts";
import type { SwarmChange, SwarmSettings } from "#contract/api/distribution.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import type { PeerAddress } from "#torrent/ports.ts";
import type { CaptureFrom } from "../capture/capture_service.ts";
import type { WebSeedFile } from "../swarm/web_seed.ts";
import type { Problem, RackseedError } from "#contract/errors.ts";
import type { z } from "zod";

/** Published versions. `ref` is NAME or NAME@VERSION; an unknown one is a 404 that names those which exist. */
export interface Images {
  /** All versions of all images. */
  list(): readonly ImageView[];
  get(ref: string): VersionView;
  delete(ref: string): Promise<void> | void;
  /** What has changed from one version to another, in the order of paths. */
  diff(from: string, to: string): Iterable<ImageChange>;
  /** `need`: why a version ("web@1") must stay beside what the store knows; undefined where it need not. */
  prune(
    request: PruneRequest,
    options: { need: (ref: string) => string | undefined; nowMs: number },
  ): Promise<PruneAnswer>;
  /** `image`: NAME. */
  settings(image: string): ImageSettings;
  set(image: string, settings: ImageSettings): ImageSettings;
  verify(ref: string): AsyncIterable<VerifyEvent>;
  /** A pax tar. */
  exportTar(ref: string): ReadableStream<Uint8Array>;
  /** One of the files that the version's torrent names. */
  file(ref: string, name: string): WebSeedFile | undefined;
  /** The version's torrent file. */
  metainfo(ref: string): Promise<Uint8Array>;
  /** The bytes of contract/extent_answer.ts. */
  extents(ref: string, request: ExtentRequest): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** Why the version must not be deployed now; undefined where nothing is known against it. `ref`: NAME@VERSION. */
  damage(ref: string): RackseedError | undefined;
  /** What a node needs to prove and to open the version. */
  secrets(ref: string): ImageSecrets;
}

export interface ImageSecrets {
  readonly manifest: Order["manifest"];
  /** Base64. */
  readonly key: string;
}

/** Captures from their beginning to the published version. */
export interface Captures {
  /** With a template it waits for that machine's agent; without, the caller sends. */
  begin(
    request: z.output<typeof CaptureRequest>,
    from: CaptureFrom,
  ): CaptureView;
  /** Oldest first. */
  list(): readonly CaptureView[];
  get(id: string): CaptureView;
  cancel(id: string): CaptureView;
  /** What the template's agent is to do now; the same again where it asks again before it is done. */
  orderFor(templateId: string): CaptureOrder | undefined;
  /** n × 32 bytes → n bytes. */
  known(id: string, hashes: Uint8Array): Uint8Array;
  addFrame(id: string, upload: Uint8Array): Promise<void>;
  progress(id: string, progress: CaptureProgress): void;
  /** zstd of lines of entries. Parts come in their order; 0 begins anew. */
  addEntries(id: string, part: number, body: Uint8Array): void;
  /** zstd of a CaptureHeader. Resolves when nothing is found missing; publishing goes on by itself. */
  endEntries(id: string, body: Uint8Array): Promise<void>;
  fail(id: string, problem: Problem): void;
}

/** Where peers find each other and the packs, as URLs that a node can reach. */
export interface SwarmAddresses {
  readonly announce: readonly string[];
  readonly webSeeds: readonly string[];
  /** The server's own seeder. */
  readonly seeders: readonly PeerAddress[];
  /** Plain HTTP, "http://HOST:PORT". */
  readonly http: string;
  /** The rsync module with the torrent files, "rsync://HOST:PORT/torrents", where there is one. */
  readonly rsync?: string;
}

/** The swarm of the whole site. */
export interface SwarmControl {
  /** What the server sends of images, by whatever way, is paid for here. */
  readonly uplink: RateLimit;
  settings(): SwarmSettings;
  /** Takes effect at once, and lasts. */
  change(change: SwarmChange): SwarmSettings;
}

export type Publish = (event: ServerEvent) => void;
