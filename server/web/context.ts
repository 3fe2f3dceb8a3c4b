/** What the routes share. */
import type { PackStoreMove, PackStoreView } from "#contract/api/pack_store.ts";
import type { DeployAnswer, Notice } from "#contract/api.ts";
import type {
  FailedDelivery,
  MailView,
  NewWebhook,
  WebhookSettings,
  WebhookTest,
  WebhookView,
} from "#contract/api/webhooks.ts";
import type {
  ScheduleAdd,
  ScheduleDetails,
  SchedulePreview,
  ScheduleTerms,
  ScheduleView,
} from "#contract/api/schedules.ts";
import type {
  FollowReport,
  FollowRequest,
  StandbyOverview,
  StandbyToken,
  Standing,
} from "#contract/api/standbys.ts";
import type { MediumAnswer, MediumBootAnswer, MediumRequest, MediumView } from "#contract/api/media.ts";
import type { ReviewRequest } from "#contract/api/reviews.ts";
import type { SecureBootView } from "#contract/api/secure_boot.ts";
import type { UpstreamView } from "#contract/api/sites.ts";
import type { RehearsalRequest, RehearsalView, Verdict } from "#contract/api/rehearsals.ts";
import type { ImageKey, TransferView } from "#contract/api/transfers.ts";
import type { Context } from "hono";
import type { z } from "zod";
import { getCookie } from "hono/cookie";
import { RackseedError } from "#contract/errors.ts";
import type { HookRegistry } from "../fleet/hook_registry.ts";
import type { OrderAnswers } from "../store/order_answers.ts";
import type { Sites } from "../sites/sites.ts";
import type { Templates } from "../store/templates.ts";
import type { AuditLog } from "../store/audit_log.ts";
import type { Maker } from "../store/schedules.ts";
import type { AdminToken } from "../access/admin_token.ts";
import type { LoginRecord } from "../access/login_record.ts";
import type { OidcProvider } from "../access/oidc_provider.ts";
import type { People } from "../access/people.ts";
import type { Principal } from "../access/principal.ts";
import type { Backups } from "../fleet/backups/backups.ts";
import type { BootBackups } from "../fleet/backups/boot_backups.ts";
import type { AgentOrders } from "../fleet/agent_orders.ts";
import type { CaptureOrders } from "../fleet/backups/capture_orders.ts";
import type { Checks } from "../fleet/checks/checks.ts";
import { unknownBearer } from "../fleet/enrolment.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { PowerControl } from "../power/power_control.ts";
import type { DeskFeed } from "./desk_feed.ts";
import type { LiveEvents } from "./live.ts";
import { COOKIE, type PageSessions } from "../access/page_sessions.ts";
import type {
  BootFile,
  Captures,
  Images,
  SwarmAddresses,
  SwarmControl,
  VersionFiles,
} from "../fleet/ports.ts";

export interface ApiContext {
  readonly people: People;
  readonly audit: AuditLog;
  /** Of orders with an idempotency key. */
  readonly answers: OrderAnswers;
  readonly logins: LoginRecord;
  readonly sessions: PageSessions;
  readonly signOn: SignOn | undefined;
  readonly fleet: Fleet;
  readonly templates: Templates;
  readonly images: Images;
  readonly files: VersionFiles;
  readonly captures: Captures;
  readonly orders: CaptureOrders;
  readonly agentOrders: AgentOrders;
  readonly backups: Backups;
  readonly bootBackups: BootBackups;
  readonly checks: Checks;
  readonly swarm: SwarmControl;
  readonly packStore: {
    view(): PackStoreView;
    moveTo(home: PackStoreMove["home"]): PackStoreView;
  };
  readonly transfers: {
    push(ref: string, to: string): TransferView;
    pull(from: string, key: ImageKey | undefined): TransferView;
    get(id: string): TransferView;
    cancel(id: string): Promise<TransferView>;
    key(image: string): ImageKey;
  };
  readonly replication: ReplicationControl;
  readonly hooks: HookRegistry;
  readonly power: PowerControl;
  readonly notices: { list(): Notice[] };
  /** "images/web@3/vmlinuz", as machines fetch it. */
  readonly bootFile: (name: string) => Response | Promise<Response>;
  /** A tar of the server's own facts, see store/facts_archive.ts. */
  readonly backUp: () => ReadableStream<Uint8Array>;
  readonly live: LiveEvents;
  readonly desk: DeskFeed;
  /** Called with image bytes that are sent over HTTPS, and by which way. */
  readonly onSent: (source: "packs" | "extents", bytes: number) => void;
  readonly health: Health;
  readonly webhooks: Webhooks;
  /** Undefined if the server signs nothing. */
  readonly secureBoot: SecureBootView | undefined;
  readonly schedules: Schedules;
  readonly sites: Sites;
  /** Undefined if this server is no relay. */
  readonly upstream: { view(): UpstreamView } | undefined;
  readonly rehearsals: Rehearsals;
  readonly media: Media;
  /** The addresses for a node that reached this server under `host`. */
  readonly swarmAt: (host: string) => SwarmAddresses;
  /** Aborted when the server closes, to end long polls. */
  readonly closing: AbortSignal;
  readonly now: () => number;
}

/** See server/standby/. */
interface ReplicationControl {
  /** Of this server's epoch, for the header. */
  readonly statement: string;
  /** Takes the epoch that a call came with. Throws RackseedError (503) if this server has been superseded. */
  admit(statement: string | undefined): void;
  /** Resolves when the standbys have what was committed until now, or are too slow. */
  kept(): Promise<void>;
  standing(): Standing;
  overview(): StandbyOverview;
  add(name: string): StandbyToken;
  remove(name: string): void;
  /** Throws RackseedError (401) if it is not the secret of a standby. */
  knows(secret: string): void;
  enrol(token: string): { name: string; secret: string };
  follow(secret: string, request: FollowRequest): ReadableStream<Uint8Array<ArrayBuffer>>;
  report(secret: string, report: FollowReport, from: { address: string }): void;
  /** The path of a published file. */
  content(path: string): string;
}

/** Login through the site's OpenID provider. */
interface SignOn {
  readonly provider: Pick<OidcProvider, "name" | "loginUrl" | "person">;
  /** Signs the cookie of a login that is under way. */
  readonly signer: Pick<AdminToken, "sign" | "isSignature">;
}

/** See server/webhooks/. */
interface Webhooks {
  list(): WebhookView[];
  /** Throws RackseedError (404). */
  get(name: string): WebhookView;
  put(name: string, settings: WebhookSettings): NewWebhook;
  delete(name: string): void;
  test(name: string): Promise<WebhookTest>;
  mail(): MailView;
  testMail(): Promise<WebhookTest>;
  failed(): FailedDelivery[];
  resend(ids?: readonly string[]): number;
}

/** See server/schedules/. Every method throws RackseedError if it refuses. */
interface Schedules {
  list(): ScheduleView[];
  get(name: string): ScheduleDetails;
  /** Ranges and groups that it is for; undefined if there is no such schedule. */
  nodesOf(name: string): readonly string[] | undefined;
  preview(terms: ScheduleTerms): Omit<SchedulePreview, "reviews"> & { orders: ReviewRequest[] };
  add(request: ScheduleAdd, by: Maker): ScheduleDetails;
  change(name: string, terms: ScheduleTerms, by: Maker): ScheduleDetails;
  pause(name: string): ScheduleDetails;
  resume(name: string): ScheduleDetails;
  run(name: string): ScheduleDetails;
  remove(name: string): void;
}

/** See server/rehearsal/. Every method throws RackseedError if it refuses. */
interface Rehearsals {
  order(ref: string, request: RehearsalRequest, options: { by: string }): Promise<RehearsalView>;
  /** Newest first. */
  list(): RehearsalView[];
  of(ref: string): RehearsalView[];
  get(id: string): RehearsalView;
  /** `id`: SHA-256 of the version's manifest. */
  verdict(
    version: { readonly image: string; readonly version: number; readonly id: string },
  ): Verdict | undefined;
  cancel(id: string, options: { by: string }): RehearsalView;
  console(id: string): Promise<string>;
  screenshot(id: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** See server/media/. Every method throws RackseedError if it refuses. */
interface Media {
  make(request: z.output<typeof MediumRequest>, options: { by: string }): Promise<MediumAnswer>;
  list(): MediumView[];
  revoke(id: string): void;
  /** The caller closes it. */
  image(id: string): BootFile;
  /** The same by an address that was made for a BMC. Throws RackseedError (401). */
  lentImage(id: string, name: string): BootFile;
  /** Whether machines may enrol by this secret. */
  expects(secret: string): void;
  /** Undefined if nothing is ordered for this machine. */
  boot(
    secret: string,
    machine: { macs: readonly string[]; address: string },
  ): z.output<typeof MediumBootAnswer> | undefined;
}

/** What GET /healthz, /readyz and /metrics answer. */
export interface Health {
  /** The parts that must work before the server can serve, by name. */
  readonly parts: Readonly<Record<string, () => boolean>>;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Whether the bearer token is good for /metrics; true for none at all if they are open. */
  readonly mayScrape: (bearer: string | undefined) => boolean;
}

interface Bindings {
  readonly info: Deno.ServeHandlerInfo<Deno.NetAddr>;
}
/**
 * `agentOf`: the name of the node whose agent is calling; if it is absent, a principal is. `form`: the fields of a login
 * form, see login_attempts.ts. `isIn`: the call has begun a session.
 */
export type Env = {
  Bindings: Bindings;
  Variables: { agentOf?: string; principal?: Principal; form?: URLSearchParams; isIn?: boolean };
};

export function peerAddress({ env }: Context<Env>): string {
  return env.info.remoteAddr.hostname;
}

/** A node's boot token opens the image's key, and the identity that the node is to keep: only admins get it. */
export function withoutTokens(c: Context<Env>, answer: DeployAnswer): object {
  if (c.get("principal")?.role === "admin") return answer;
  return { ...answer, nodes: answer.nodes.map(({ token: _, ...node }) => node) };
}

/** Who is calling and from where, for records. */
export function caller(c: Context<Env>): string {
  return `${c.get("principal")?.name} from ${peerAddress(c)}`;
}

/** Who is calling, as the one whose rights the runs of a schedule have. */
export function makerOf(c: Context<Env>): Maker {
  const principal = c.get("principal");
  if (!principal) throw notLoggedIn();
  const { name, user, role } = principal;
  return { name, user, role };
}

/** The bearer token of the Authorization header (RFC 6750 §2.1). */
export function bearerOf({ req }: Context): string | undefined {
  return /^Bearer ([\w.-]{1,256})$/i.exec(req.header("authorization") ?? "")?.[1];
}

/**
 * Who makes the call, by a token or the page's cookie. With the cookie, a change must come from the page itself:
 * browsers send `Origin` with every request except GET and HEAD (Fetch Standard), and foreign sites send their own.
 * Throws RackseedError (401, 403).
 */
export function authenticate(c: Context<Env>, { people }: Pick<ApiContext, "people">): Principal {
  const principal = principalOf(c, people);
  if (!principal) throw notLoggedIn();
  if (bearerOf(c) === undefined) refuseForeignOrigin(c);
  return principal;
}

/** Undefined if the call has no valid credential. A call with a token does not fall back to the cookie. */
export function principalOf(
  c: Context,
  people: People,
  { isUse = true }: { isUse?: boolean } = {},
): Principal | undefined {
  if (c.req.header("authorization") === undefined) {
    return people.ofCookie(getCookie(c, COOKIE) ?? "", { isUse });
  }
  const bearer = bearerOf(c);
  return bearer === undefined ? undefined : people.ofBearer(bearer);
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

function notLoggedIn(): RackseedError {
  return new RackseedError("cannot accept this request", {
    reason: "it carries no valid token of this server.",
    remedy:
      "give --token or RACKSEED_TOKEN: your own token, from the page, or the admin token, in the file `token` of the " +
      "server's data directory.",
    status: 401,
  });
}

/** Ends the live streams of those who are no longer allowed to watch. */
export function recheckWatchers({ live, desk }: Pick<ApiContext, "live" | "desk">): void {
  live.recheck();
  desk.recheck();
}
