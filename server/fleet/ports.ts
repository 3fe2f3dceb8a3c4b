/** The services that the API and the fleet call. Every method throws RackseedError if it refuses. */
import type {
  CaptureOrder,
  CaptureProgress,
  CaptureRequest,
  CaptureView,
  ImageChange,
  ImageView,
  NodeView,
  Order,
  PowerView,
  PruneAnswer,
  PruneRequest,
  ServerEvent,
  VerifyEvent,
  VersionView,
} from "#contract/api.ts";
import type { TagView } from "#contract/api/image_tags.ts";
import type {
  ChangeKind,
  DiffFolder,
  DiffRow,
  FileDetails,
  FileView,
  FoundFiles,
  TextDiff,
} from "#contract/api/files.ts";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { ExtentRequest } from "#contract/format/extent_answer.ts";
import type { ImageSettings } from "#contract/api/restore.ts";
import type { SwarmChange, SwarmSettings } from "#contract/api/distribution.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import type { PeerAddress } from "#torrent/ports.ts";
import type { CaptureFrom } from "../capture/capture_service.ts";
import type { WebSeedFile } from "../swarm/web_seed.ts";
import type { Problem, RackseedError } from "#contract/errors.ts";
import type { z } from "zod";

/** Published versions. `ref` is NAME, NAME@VERSION or NAME@TAG; an unknown one is a 404 that names the existing ones. */
export interface Images {
  /** All versions of all images. */
  list(): readonly ImageView[];
  get(ref: string): VersionView;
  delete(ref: string): Promise<void> | void;
  /** Why the version must not be deleted now: a capture adds to it, or it is being deployed. */
  useOf(version: { image: string; version: number }): string | undefined;
  /** `need`: a reason to keep a version that the store does not know of; undefined if there is none. */
  prune(
    request: PruneRequest,
    options: { need: (version: { image: string; version: number }) => string | undefined; nowMs: number },
  ): Promise<PruneAnswer>;
  /** `image`: NAME. */
  settings(image: string): ImageSettings;
  set(image: string, settings: ImageSettings): ImageSettings;
  /** Sets or moves the tag. */
  setTag(image: string, tag: { tag: string; version: number }): TagView;
  removeTag(image: string, tag: string): void;
  /** "" removes the note. */
  setNote(ref: string, note: string): VersionView;
  verify(ref: string): AsyncIterable<VerifyEvent>;
  /** The version as a pax tar. */
  exportTar(ref: string): Promise<ReadableStream<Uint8Array>>;
  /** One of the files that the version's torrent names. */
  file(ref: string, name: string): WebSeedFile | undefined;
  /** The version's torrent file. */
  metainfo(ref: string): Promise<Uint8Array>;
  /** The bytes of contract/extent_answer.ts. */
  extents(ref: string, request: ExtentRequest): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** The version's manifest in zstd, without the keys of its packs. `ref`: NAME@VERSION. */
  plainManifest(ref: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Why the version must not be deployed now; undefined if it is not known to be damaged. `ref`: NAME@VERSION. */
  damage(ref: string): RackseedError | undefined;
  /** Whether the server's seeder has the version; if its packs are in the pack store only, they are being fetched. */
  seeds(ref: string): boolean;
  /** What a node needs to verify and to decrypt the version. */
  secrets(ref: string): ImageSecrets;
}

/**
 * The files of published versions. `ref`: NAME@VERSION. `path` is relative to the image's root; symlinks on the way are
 * followed within the image. An unknown path is a 404.
 */
export interface VersionFiles {
  /** What is in a folder, by name; from behind the name `after` on. */
  list(ref: string, path: BytePath, options: { after?: string | undefined }): Promise<Iterable<FileView>>;
  /** The entry itself, which may be a symlink. */
  details(ref: string, path: BytePath): Promise<FileDetails>;
  /** Throws the reason of `signal` if that stops it. */
  find(
    ref: string,
    path: BytePath,
    options: { name: string; limit: number; signal: AbortSignal },
  ): Promise<FoundFiles>;
  content(ref: string, path: BytePath): Promise<FileContent>;
  /** What changed from one version to another, in the order of paths. */
  changes(from: string, to: string): Promise<AsyncIterable<ImageChange>>;
  /** The same for one folder; rows from behind the path `after` on. */
  diffFolder(
    request: {
      from: string;
      to: string;
      path: BytePath;
      kinds?: readonly ChangeKind[] | undefined;
      after?: BytePath | undefined;
    },
  ): Promise<Omit<DiffFolder, "rows"> & { readonly rows: Iterable<DiffRow> }>;
  /** Throws RackseedError (409) unless each side is a small text, or absent. */
  diffText(request: { from: string; to: string; path: BytePath }): Promise<TextDiff>;
}

export interface FileContent {
  /** After all symlinks. */
  readonly path: BytePath;
  readonly sizeBytes: number;
  readonly isSparse: boolean;
  readonly bytes: AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

export interface ImageSecrets {
  readonly manifest: Order["manifest"];
  /** Base64. */
  readonly key: string;
}

/** A file that firmware loads; see boot/boot_file.ts. */
export interface BootFile {
  readonly sizeBytes: number;
  /** Fills `into` from `offset` on; returns the bytes read. */
  read(offset: number, into: Uint8Array): number;
  close?(): void;
}

/** What a network boot gives a machine, for one that starts the installer without its firmware. */
export interface InstallerBoot {
  /** The server as the installer reaches it, "https://10.0.0.1:8443". */
  readonly server: string;
  /** "images/web@3/vmlinuz"; undefined if there is none, or it is damaged. */
  file(name: string): BootFile | undefined;
  /** The kernel's parameters, without the machine's address. */
  parameters(boot: { readonly token: string; readonly mac: string; readonly image: string }): string;
}

/** Captures, from their beginning to the published version. */
export interface Captures {
  /** A capture of a template waits for that machine's agent; without a template, the caller sends the files. */
  begin(
    request: z.output<typeof CaptureRequest>,
    from: CaptureFrom,
  ): CaptureView;
  /** Oldest first. */
  list(): readonly CaptureView[];
  get(id: string): CaptureView;
  cancel(id: string): CaptureView;
  /** The order for the template's agent; the same one again until it is done. */
  orderFor(templateId: string): CaptureOrder | undefined;
  /** Which extents are in the store: n × 32 bytes of hashes → n bytes. */
  known(id: string, hashes: Uint8Array): Uint8Array;
  addFrame(id: string, upload: Uint8Array): Promise<void>;
  progress(id: string, progress: CaptureProgress): void;
  /** zstd of lines of entries. Parts come in order; part 0 starts over. */
  addEntries(id: string, part: number, body: Uint8Array): void;
  /** zstd of a CaptureHeader. Resolves once nothing is missing; publishing continues in the background. */
  endEntries(id: string, body: Uint8Array): Promise<void>;
  fail(id: string, problem: Problem): void;
}

/** Where peers find each other and the packs: URLs that a node can reach. */
export interface SwarmAddresses {
  readonly announce: readonly string[];
  readonly webSeeds: readonly string[];
  /** Web seeds are used at once, and not only when peers send nothing: nobody else may have all pieces. */
  readonly webSeedsFirst?: boolean;
  /** The server's own seeder. */
  readonly seeders: readonly PeerAddress[];
  /** Plain HTTP, "http://HOST:PORT". */
  readonly http: string;
  /** The rsync module with the torrent files, "rsync://HOST:PORT/torrents"; absent if rsync is off. */
  readonly rsync?: string;
}

/** The site's swarm. */
export interface SwarmControl {
  /** The budget for everything the server sends of images, by whatever protocol. */
  readonly uplink: RateLimit;
  settings(): SwarmSettings;
  /** Takes effect at once and persists across restarts. */
  change(change: SwarmChange): SwarmSettings;
}

/** How nodes are switched on and off: server/power. */
export interface PowerViews {
  view(node: string): PowerView | undefined;
  forget(node: string): void;
}

export type Publish = (event: ServerEvent) => void;

/**
 * Says that a node is further in its running step, which nobody but those who watch needs to know. They ask for its view
 * when they send it, since most reports are overtaken by the next one; it is undefined if the node is gone.
 */
export type Advance = (name: string, view: () => NodeView | undefined) => void;
