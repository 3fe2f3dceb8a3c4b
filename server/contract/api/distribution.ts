/**
 * How an image is spread, as far as operator, server and nodes speak of it: upload limits, racks, how long
 * nodes seed, and what a node finds out about its own speed. Part of the API (api.ts).
 */
import { z } from "zod";
import { MAX_RATE, MIN_RATE } from "../rate_text.ts";

const count = z.int().min(0);

export const BytesPerSecond = z.int().min(MIN_RATE).max(MAX_RATE);

export const RackLabel = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, {
  error: "a rack's label is 1 to 63 letters, digits, . _ - and starts with a letter or digit",
});

const seconds = z.int().min(1).max(7 * 86_400);
/** How long a finished node gives on what it has. */
export const SeedPolicy = z.discriminatedUnion("mode", [
  z.object({ mode: z.literal("none") }),
  /** While others of its batch fetch and it helps them, `seconds` at most. */
  z.object({ mode: z.literal("while-needed"), seconds }),
  z.object({ mode: z.literal("for"), seconds }),
]);
export type SeedPolicy = z.infer<typeof SeedPolicy>;
export const DEFAULT_SEED: SeedPolicy = { mode: "while-needed", seconds: 3600 };

/** What holds for the whole site; what is absent is off. */
export const SwarmSettings = z.object({
  /** Of the server: its seeder and its web seed together. */
  uploadLimit: BytesPerSecond.optional(),
  /** Of every node that has none of its own. */
  nodeUploadLimit: BytesPerSecond.optional(),
  /** Nodes without a rack's label share a rack where their addresses share so many bits. */
  rackPrefix: z.int().min(8).max(31).optional(),
  /** Where the server itself stands. */
  serverRack: RackLabel.optional(),
  seed: SeedPolicy,
});
export type SwarmSettings = z.infer<typeof SwarmSettings>;

/** What is absent stays as it is, null takes a setting back. */
export const SwarmChange = z.strictObject({
  uploadLimit: BytesPerSecond.nullable(),
  nodeUploadLimit: BytesPerSecond.nullable(),
  rackPrefix: z.int().min(8).max(31).nullable(),
  serverRack: RackLabel.nullable(),
  seed: SeedPolicy.nullable(),
}).partial();
export type SwarmChange = z.infer<typeof SwarmChange>;

/** More nodes of one rack than this are not told to each other by address. */
export const MAX_RACK_MEMBERS = 512;

/** Where a node stands, and how it knows which peers stand there too; see racks.ts. */
export const Racks = z.object({
  /** Its own rack. */
  own: z.string().max(64).optional(),
  /** Addresses that share so many bits are one rack, where `members` says nothing else. */
  prefix: z.int().min(8).max(31).optional(),
  /** Addresses in the node's own rack, by its label. */
  members: z.array(z.ipv4()).max(MAX_RACK_MEMBERS),
  /** Names this state: a report that bears another is answered with the present one. */
  revision: z.string().max(32),
});
export type Racks = z.infer<typeof Racks>;

/** Where the time of an installation goes, all since the step "install" began. */
export const InstallTimes = z.object({
  /** Parallel workers that open and write frames. Each spends its time in one of the next three. */
  workers: z.int().min(1).max(1024),
  /** No frame had come yet. */
  starvedMs: count,
  /** Unsealing, decompressing, and the processor's part of writing. */
  busyMs: count,
  /** Waiting for the target's disk. */
  blockedMs: count,
  /** The processor's time of the main thread: network, hashing, packs. */
  mainMs: count,
  fetchedBytes: count,
  /** Until all was fetched, or until now. */
  fetchMs: count,
});
export type InstallTimes = z.infer<typeof InstallTimes>;

export const Limit = z.enum(["link", "disk", "cpu"]);
/** What kept a node from being faster. */
export type Limit = z.infer<typeof Limit>;

/** The node of a batch that takes the longest. */
export const Slowness = z.object({
  node: z.string(),
  limit: Limit.optional(),
  /** Its time so far, without seeding, and the median of the batch. */
  seconds: z.number(),
  typicalSeconds: z.number(),
  /** In words, with the figures. */
  reason: z.string().max(400),
});
export type Slowness = z.infer<typeof Slowness>;

/** Where data is fetched from now: the best that is in use. */
export const DOWNLOAD_SOURCES = ["peers", "web seed", "http", "none"] as const;
export type DownloadSource = typeof DOWNLOAD_SOURCES[number];
