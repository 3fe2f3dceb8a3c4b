/**
 * What the desk, the pages in the browser, receives from `GET /page/events` (text/event-stream): JSON messages, made and
 * read by the same release. The first message has everything; each later one has only what changed.
 */
import type { Role } from "./api/access.ts";
import type { CaptureView, MachineView, NodeState, Notice, TemplateView } from "./api.ts";
import type { SwarmSettings } from "./api/distribution.ts";
import type { Problem } from "./errors.ts";

/** A node as lists show it. Absent: no, none, or not known. */
export interface DeskNode {
  readonly name: string;
  readonly state: NodeState;
  /** What its latest order does, if it does not install. */
  readonly order?: "restore" | "dry-run" | "backup" | "discover";
  readonly image?: string;
  readonly mac?: string;
  readonly address?: string;
  readonly hostname?: string;
  readonly group?: string;
  readonly rack?: string;
  /** The step that it is at, or stopped at. */
  readonly step?: string;
  readonly message?: string;
  readonly progress?: DeskProgress;
  readonly problem?: Problem;
  /** Number of hardware warnings. */
  readonly warnings?: number;
  /** Paths that differ from its image, by its newest check of the image that it has. */
  readonly drift?: number;
  /** ISO times. */
  readonly seen?: string;
  readonly silentSince?: string;
  readonly everyBoot?: true;
  readonly power?: "on" | "off";
  /** It is the slowest of its deployment, and why. */
  readonly slowest?: string;
}

interface DeskProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly bytesPerSecond: number;
  readonly peers: number;
}

/** Who is logged in. */
export interface DeskUser {
  readonly name: string;
  readonly role: Role;
  /** An operator's groups of nodes; absent: all nodes. */
  readonly groups?: readonly string[];
  /** The holder of the admin token, who has no password and no tokens here. */
  readonly isAdminToken?: true;
  /** The user logs in through the OpenID provider, and has no password here. */
  readonly signsOn?: true;
}

/** The server itself, every few seconds. */
export interface DeskSite {
  readonly version: string;
  /** Of the file system with the images. */
  readonly sizeBytes: number;
  readonly freeBytes: number;
  readonly packBytes: number;
  /** Bytes of images that the server has sent since it started. */
  readonly sentBytes: number;
  /** When this was measured, by the server's clock: milliseconds since 1970. */
  readonly atMs: number;
}

/** Lists that a page asks the API for, and should ask for again. */
export type Stale =
  | "images"
  | "hooks"
  | "deployments"
  | "schedules"
  | "people"
  | "audit"
  | "captures"
  | "templates"
  | "rehearsals"
  | "sites";

export interface DeskMessage {
  /** The message has all there is of each list in it: what the browser had before is gone. */
  readonly isWhole?: true;
  readonly user?: DeskUser;
  readonly site?: DeskSite;
  readonly nodes?: readonly DeskNode[];
  readonly removedNodes?: readonly string[];
  readonly machines?: readonly MachineView[];
  readonly removedMachines?: readonly string[];
  readonly templates?: readonly TemplateView[];
  /** Of captures that have ended, only the latest. */
  readonly captures?: readonly CaptureView[];
  readonly notices?: readonly Notice[];
  readonly swarm?: SwarmSettings;
  readonly stale?: readonly Stale[];
}

/** First segments of the addresses that the desk shows itself; other addresses are pages of their own. "" is `/`. */
const DESK_PAGES = [
  "",
  "nodes",
  "machines",
  "images",
  "templates",
  "audit",
  "hooks",
  "deployments",
  "deploy",
  "restore",
  "schedules",
  "schedule",
  "sites",
  "settings",
  "users",
  "account",
];
export const DESK_PATHS = new RegExp(`^/(?:${DESK_PAGES.join("|")})(?:[/?#]|$)`);
