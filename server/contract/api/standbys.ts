/** Standbys: second machines that follow a server, and take over from it. */
import { z } from "zod";
import { count, id, MachineName, text, time } from "./fields.ts";

/**
 * The epoch that the sender knows, signed: "3:SIGNATURE". A server answers every call with its own; agents send the
 * latest that they have seen. A server that gets a later one than its own has been superseded, and stops.
 */
export const EPOCH = "Rackseed-Epoch";

const url = z.url({ protocol: /^https$/ });

/** One take-over. */
export const TakeOver = z.object({
  epoch: z.int().min(1),
  began: time,
  /** When the server that it took over from was last heard of: what was done there later may be lost. */
  heard: time,
  /** The standby's name. */
  standby: text(64),
  /** The server that it took over from. */
  of: text(300),
});
export type TakeOver = z.infer<typeof TakeOver>;

/** What every server says of itself, also a standby. */
export const Standing = z.object({
  role: z.enum(["serves", "follows"]),
  epoch: z.int().min(1),
});
export type Standing = z.infer<typeof Standing>;

export const StandbyView = z.object({
  name: MachineName,
  /** Absent until it has followed. */
  url: text(300).optional(),
  added: time,
  state: z.enum(["not enrolled", "away", "catching up", "follows"]),
  /** How old the newest state is that the standby has. */
  behindMs: count.optional(),
  /** Files of images that it has not copied yet, of those that were here a second ago. */
  missingFiles: count.optional(),
});
export type StandbyView = z.infer<typeof StandbyView>;

/** What a standby says of itself. */
export const Following = z.object({
  server: url,
  isConnected: z.boolean(),
  /** Whether it could take over: it has a whole copy. */
  isReady: z.boolean(),
  heard: time.optional(),
  missingFiles: count,
});
export type Following = z.infer<typeof Following>;

export const StandbyOverview = Standing.extend({
  standbys: z.array(StandbyView),
  following: Following.optional(),
  /** The last take-over of this site. */
  tookOver: TakeOver.optional(),
});
export type StandbyOverview = z.infer<typeof StandbyOverview>;

export const StandbyAdd = z.strictObject({ name: MachineName });
export const StandbyToken = z.object({ name: MachineName, token: text(200), expires: time });
export type StandbyToken = z.infer<typeof StandbyToken>;
export const StandbyEnrolled = z.object({ name: MachineName, secret: text(100) });

/** The end of a transaction in the database's write-ahead log; see server/standby/wal.ts. */
const LogPosition = z.strictObject({
  salt: z.string().regex(/^[0-9a-f]{16}$/),
  at: count,
  check: z.string().regex(/^[0-9a-f]{16}$/),
});

export const FollowRequest = z.strictObject({
  position: LogPosition.optional(),
  /** Digests of the small files that the standby has, by path. */
  files: z.record(text(200), z.string().regex(/^[0-9a-f]{32}$/)),
});
export type FollowRequest = z.infer<typeof FollowRequest>;

export const ContentQuery = z.strictObject({ path: text(300) });

export const FollowReport = z.strictObject({
  stream: id,
  /** Of the last record that said that all was sent. */
  number: count,
  atMs: count,
  /** Where the standby itself can be asked: HTTPS at the address that it calls from. */
  port: z.int().min(0).max(65535),
  missingFiles: count,
});
export type FollowReport = z.infer<typeof FollowReport>;
