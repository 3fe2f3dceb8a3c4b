/** Sites: relays that mirror images of this server, and what a relay and its upstream say to each other. */
import { z } from "zod";
import { ImageName } from "../format/manifest.ts";
import { Sha256Hex } from "../format/sha256.ts";
import { count, id, ImageRef, MachineName, ProblemSchema, text, time } from "./fields.ts";
import { HistoryEvent } from "./node_history.ts";
import { NodeState } from "./nodes.ts";
import { PageQuery } from "./pages.ts";
import { ImageSettings } from "./restore.ts";
import { TagName } from "./image_tags.ts";

export const SiteName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
  error: "a site's name is 1 to 63 of a-z 0-9 - and starts with a letter or digit",
});

/** What names a site, in paths. */
export const SiteKey = z.object({ site: SiteName });
/** What names an assignment, in paths. */
export const SiteImageKey = z.object({ site: SiteName, ref: ImageRef });

export const SiteAdd = z.strictObject({ name: SiteName });

/** "waiting": its relay has not enrolled yet; "silent": nothing was heard of it for a minute or longer. */
export const SiteState = z.enum(["waiting", "active", "silent", "revoked"]);
export type SiteState = z.infer<typeof SiteState>;

/** A version on its way to a site, as its relay reports it. */
export const MirrorView = z.object({
  image: ImageName,
  version: z.int().min(1),
  /** "waiting": for its turn, or for the hours in which images may be copied. */
  state: z.enum(["waiting", "copying", "ready", "failed"]),
  doneBytes: count,
  totalBytes: count,
  /** Why it failed; it is tried again. */
  problem: text(2000).optional(),
});
export type MirrorView = z.infer<typeof MirrorView>;

/** A node of a site, in short. */
export const SiteNode = z.object({
  name: MachineName,
  state: NodeState,
  /** Image and version ("web@3"). */
  image: text(100).optional(),
  group: text(63).optional(),
  address: text(64).optional(),
  /** Why it failed. */
  problem: text(2000).optional(),
});
export type SiteNode = z.infer<typeof SiteNode>;

/** An assignment: what was named, and the version that this is now. */
const Assignment = z.object({
  ref: ImageRef,
  /** "web@3"; absent if the relay cannot have it. */
  version: text(100).optional(),
  /** Why it cannot. */
  problem: text(2000).optional(),
});
export type Assignment = z.infer<typeof Assignment>;

export const SiteView = z.object({
  name: SiteName,
  state: SiteState,
  created: time,
  enrolled: time.optional(),
  /** When its relay was last heard, and from where. */
  heard: time.optional(),
  address: text(64).optional(),
  revoked: time.optional(),
  /** Version of Rackseed that its relay runs. */
  rackseed: text(64).optional(),
  assigned: z.array(Assignment),
  mirror: z.array(MirrorView),
  /** Number of nodes by state; absent: none. */
  nodes: z.partialRecord(NodeState, count),
});
export type SiteView = z.infer<typeof SiteView>;

export const SiteDetails = SiteView.extend({ list: z.array(SiteNode) });
export type SiteDetails = z.infer<typeof SiteDetails>;

export const SiteAnswer = z.object({
  site: SiteView,
  /** Enrols one relay, once, until `expires`; shown this once. */
  token: z.string(),
  expires: time,
});

export type SiteAnswer = z.infer<typeof SiteAnswer>;

/** Something that happened to a node of a site. */
export const SiteEvent = z.object({ node: MachineName, event: HistoryEvent });
export type SiteEvent = z.infer<typeof SiteEvent>;

/** GET /sites/:site/events; newest first. */
export const SiteEventQuery = PageQuery.extend({
  limit: PageQuery.shape.limit.default(50),
  node: MachineName.optional(),
});

/** GET /upstream: what a relay knows about its upstream. */
export const UpstreamView = z.object({
  url: z.url(),
  /** Name of this site there; absent until it has enrolled. */
  site: SiteName.optional(),
  /** When the upstream last answered. */
  heard: time.optional(),
  /** Why it does not now. */
  problem: ProblemSchema.optional(),
  /** Events that the upstream has not got yet. */
  queued: count,
  mirror: z.array(MirrorView),
});
export type UpstreamView = z.infer<typeof UpstreamView>;

/** POST /relay/enrol, with the site's token, and signed with this key. `publicKey`: SPKI PEM, Ed25519. */
export const RelayEnrolment = z.strictObject({ publicKey: text(500) });
export const RelayEnrolled = z.object({ site: SiteName });

export const MAX_RELAY_EVENTS = 500;
export const MAX_SITE_NODES = 10_000;

/** An event of the relay's own history, by the node's id and the event's own. */
export const RelayEvent = SiteEvent.extend({ nodeId: id, ref: text(200) });
export type RelayEvent = z.infer<typeof RelayEvent>;

/** POST /relay/sync */
export const RelayReport = z.strictObject({
  rackseed: text(64),
  nodes: z.array(SiteNode).max(MAX_SITE_NODES),
  mirror: z.array(MirrorView).max(1000),
  /** Kept by the relay until this call is answered; the upstream writes one that it has again. */
  events: z.array(RelayEvent).max(MAX_RELAY_EVENTS),
});
export type RelayReport = z.input<typeof RelayReport>;

/** What a relay needs of an image: its versions' key opens manifests and frames. */
const OfferedImage = z.object({
  image: ImageName,
  /** Base64. */
  key: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  /** SPKI PEM of the key that signed its versions. */
  publicKey: text(500),
  settings: ImageSettings,
  tags: z.array(z.object({ tag: TagName, version: z.int().min(1) })),
  versions: z.array(z.object({
    version: z.int().min(1),
    /** SHA-256 of its manifest. */
    id: Sha256Hex,
    signature: text(200),
    totalBytes: count,
  })),
});
export type OfferedImage = z.infer<typeof OfferedImage>;

export const RelayOffer = z.object({ site: SiteName, images: z.array(OfferedImage) });
export type RelayOffer = z.infer<typeof RelayOffer>;
