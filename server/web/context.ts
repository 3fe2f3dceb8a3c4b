/** What the routes share. */
import type { Notice } from "#contract/api.ts";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { RackseedError } from "#contract/errors.ts";
import type { HookRegistry } from "../fleet/hook_registry.ts";
import type { Templates } from "../store/templates.ts";
import type { AdminToken } from "../access/admin_token.ts";
import type { Backups } from "../fleet/backups/backups.ts";
import type { BootBackups } from "../fleet/backups/boot_backups.ts";
import type { CaptureOrders } from "../fleet/backups/capture_orders.ts";
import { unknownBearer } from "../fleet/enrolment.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { PowerControl } from "../power/power_control.ts";
import type { LiveEvents } from "./live.ts";
import { COOKIE, type PageSessions } from "../access/page_sessions.ts";
import type { Captures, Images, SwarmAddresses, SwarmControl } from "../fleet/ports.ts";

export interface ApiContext {
  readonly admin: AdminToken;
  readonly sessions: PageSessions;
  readonly fleet: Fleet;
  readonly templates: Templates;
  readonly images: Images;
  readonly captures: Captures;
  readonly orders: CaptureOrders;
  readonly backups: Backups;
  readonly bootBackups: BootBackups;
  readonly swarm: SwarmControl;
  readonly hooks: HookRegistry;
  readonly power: PowerControl;
  readonly notices: { list(): Notice[] };
  /** "images/web@3/vmlinuz", as machines fetch it. */
  readonly bootFile: (name: string) => Response | Promise<Response>;
  /** A tar of the server's own facts, see store/facts_archive.ts. */
  readonly backUp: () => ReadableStream<Uint8Array>;
  readonly live: LiveEvents;
  /** The addresses for a node that reached this server under `host`. */
  readonly swarmAt: (host: string) => SwarmAddresses;
  /** Aborted when the server closes, to end long polls. */
  readonly closing: AbortSignal;
  readonly now: () => number;
}

interface Bindings {
  readonly info: Deno.ServeHandlerInfo<Deno.NetAddr>;
}
/** `agentOf`: the name of the node whose agent is calling; undefined if the operator is. */
export type Env = { Bindings: Bindings; Variables: { agentOf?: string } };

export function peerAddress({ env }: Context<Env>): string {
  return env.info.remoteAddr.hostname;
}

/** Who is calling, for records: there is one operator, so only how and from where is known. */
export function caller(c: Context<Env>): string {
  return `${bearerOf(c) === undefined ? "page" : "token"} from ${peerAddress(c)}`;
}

/** The bearer token of the Authorization header (RFC 6750 §2.1). */
export function bearerOf({ req }: Context): string | undefined {
  return /^Bearer ([\w.-]{1,256})$/i.exec(req.header("authorization") ?? "")?.[1];
}

/**
 * Admits requests with the admin token or the page's cookie. With the cookie, a change must come from the page
 * itself: browsers send `Origin` with every request except GET and HEAD (Fetch Standard), and foreign sites send
 * their own.
 */
export function operatorOnly({ admin, sessions }: ApiContext): MiddlewareHandler<Env> {
  return async (c, next) => {
    const bearer = bearerOf(c);
    if (bearer === undefined ? !hasCookie(c, sessions) : !admin.isToken(bearer)) throw notOperator();
    if (bearer === undefined) refuseForeignOrigin(c);
    await next();
  };
}

export function hasCookie(c: Context, sessions: PageSessions): boolean {
  const cookie = getCookie(c, COOKIE);
  return cookie !== undefined && sessions.isOpen(cookie);
}

export function refuseForeignOrigin({ req }: Context): void {
  if (req.method === "GET" || req.method === "HEAD") return;
  const origin = req.header("origin");
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === new URL(req.url).host) return;
  throw new RackseedError("cannot accept this request", {
    reason: "it comes from another site's page.",
    remedy: "use this server's own page.",
    status: 403,
  });
}

export function bearer(c: Context): string {
  const secret = bearerOf(c);
  if (secret === undefined) throw unknownBearer();
  return secret;
}

function notOperator(): RackseedError {
  return new RackseedError("cannot accept this request", {
    reason: "it carries no valid token of this server.",
    remedy:
      "give --token or RACKSEED_TOKEN; the token is in the file `token` of the server's data directory.",
    status: 401,
  });
}
