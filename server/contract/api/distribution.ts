/**
 * How an image is distributed: upload limits, racks, how long nodes seed, and what a node measures about its own
 * speed.
 */
import { z } from "zod";
import { MAX_RATE, MIN_RATE } from "../rate_text.ts";

const count = z.int().min(0);

export const BytesPerSecond = z.int().min(MIN_RATE).max(MAX_RATE);

export const RackLabel = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, {
  error: "a rack's label is 1 to 63 letters, digits, . _ - and starts with a letter or digit",
});

const seconds = z.int().min(1).max(7 * 86_400);
/** How long a finished node seeds. */
export const SeedPolicy = z.discriminatedUnion("mode", [
  z.object({ mode: z.literal("none") }),
  /** While others of its batch fetch and benefit from it, for at most `seconds`. */
  z.object({ mode: z.literal("while-needed"), seconds }),
  z.object({ mode: z.literal("for"), seconds }),
]);
export type SeedPolicy = z.infer<typeof SeedPolicy>;
export const DEFAULT_SEED: SeedPolicy = { mode: "while-needed", seconds: 3600 };

/** Settings of the whole site; an absent one is off. */
export const SwarmSettings = z.object({
  /** For the server: its seeder and its web seed together. */
  uploadLimit: BytesPerSecond.optional(),
  /** For every node without a limit of its own. */
  nodeUploadLimit: BytesPerSecond.optional(),
  /** Nodes without a rack label share a rack if their addresses share this many leading bits. */
  rackPrefix: z.int().min(8).max(31).optional(),
  /** The server's own rack. */
  serverRack: RackLabel.optional(),
  seed: SeedPolicy,
});
export type SwarmSettings = z.infer<typeof SwarmSettings>;

/** An absent setting stays, null clears one. */
export const SwarmChange = z.strictObject({
  uploadLimit: BytesPerSecond.nullable(),
  nodeUploadLimit: BytesPerSecond.nullable(),
  rackPrefix: z.int().min(8).max(31).nullable(),
  serverRack: RackLabel.nullable(),
  seed: SeedPolicy.nullable(),
}).partial();
export type SwarmChange = z.infer<typeof SwarmChange>;

/** Nodes of one rack whose addresses a node receives at most. */
export const MAX_RACK_MEMBERS = 512;

/** A node's rack, and how the node recognises peers in it; see racks.ts. */
export const Racks = z.object({
  /** The node's own rack. */
  own: z.string().max(64).optional(),
  /** Addresses that share this many leading bits are one rack, unless `members` says otherwise. */
  prefix: z.int().min(8).max(31).optional(),
  /** Addresses that carry the label of the node's own rack. */
  members: z.array(z.ipv4()).max(MAX_RACK_MEMBERS),
  /** Names this state: a report with another revision is answered with the current state. */
  revision: z.string().max(32),
});
export type Racks = z.infer<typeof Racks>;

/** Where the time of an installation goes, since the step "install" began. */
export const InstallTimes = z.object({
  /** Parallel workers that open and write frames. The next three fields divide up their time. */
  workers: z.int().min(1).max(1024),
  /** Waiting for frames. */
  starvedMs: count,
  /** Unsealing, decompressing, and the CPU time of writing. */
  busyMs: count,
  /** Waiting for the target's disk. */
  blockedMs: count,
  /** CPU time of the main thread: network, hashing, packs. */
  mainMs: count,
  fetchedBytes: count,
  /** Until everything was fetched, or until now. */
  fetchMs: count,
});
export type InstallTimes = z.infer<typeof InstallTimes>;

export const Limit = z.enum(["link", "disk", "cpu"]);
/** What limited a node's speed. */
export type Limit = z.infer<typeof Limit>;

/** The slowest node of a batch. */
export const Slowness = z.object({
  node: z.string(),
  limit: Limit.optional(),
  /** Its time so far, without seeding, and the batch's median. */
  seconds: z.number(),
  typicalSeconds: z.number(),
  /** As text, with the figures. */
  reason: z.string().max(400),
});
export type Slowness = z.infer<typeof Slowness>;

/** Peers that a report names at most: those that gave the most. */
export const MAX_GIVERS = 8;

/** Where a node's data has come from since it joined the swarm, in bytes. Agents of earlier releases do not say. */
export const TransferSources = z.object({
  /** The node's own peer id, by which the others name it. */
  peerId: z.string().max(40),
  /** From the server's seeder. */
  server: count,
  /** Over HTTP and HTTPS: web seeds, packs and extents. */
  web: count,
  /** From all other peers. */
  peers: count,
  /** Those of them that gave the most. */
  from: z.array(z.object({ peerId: z.string().max(40), address: z.string().max(64), bytes: count })).max(
    MAX_GIVERS,
  ),
});
export type TransferSources = z.infer<typeof TransferSources>;

/** The current source of data: the best one in use. */
export const DOWNLOAD_SOURCES = ["peers", "web seed", "http", "none"] as const;
export type DownloadSource = typeof DOWNLOAD_SOURCES[number];
