/**
 * Every route of the API: what it needs, and what of it the audit log records. `createApi` does not start with a route
 * that is missing here.
 */
import { CALLS } from "#contract/calls.ts";
import type { Access } from "../access/principal.ts";
import type { Action } from "../words/audit_text.ts";

/** What the routes of machines check themselves. */
export const SECRETS = ["boot", "session", "medium", "relay", "standby"] as const;

export interface RouteRule {
  /**
   * "boot", "session": the route itself checks this secret of a node's order. "medium": that of a bootable medium. "relay": the
   * proof or the token of a site's relay. "standby": that of a standby. "none": it is the same for everybody.
   */
  readonly needs: Access | typeof SECRETS[number] | "none";
  /** A node's own agent may call it as well: see agent_access.ts. */
  readonly agent?: true;
  /** The action that it is recorded as. */
  readonly records?: Action;
  /** Why it is not recorded, if it is not a GET request. */
  readonly unrecorded?: string;
  /** The JSON body names nodes or images. */
  readonly body?: true;
  /** It makes room on a full disk, and must not be refused because the disk is full. */
  readonly evenIfFull?: true;
}

const OF_ORDER = "part of an order that is recorded; the node's log has its steps";
const OF_CAPTURE = "part of a capture whose begin and end are recorded";
const NODE = { needs: "session", unrecorded: OF_ORDER } as const;
const CAPTURE = { needs: "operate", agent: true, unrecorded: OF_CAPTURE } as const;
const CHECK = {
  needs: "operate",
  agent: true,
  unrecorded: "part of a check whose order is recorded",
} as const;
const RELAY = { needs: "relay", unrecorded: "a relay's work: what is assigned to it is recorded" } as const;
const VIEW = { needs: "view" } as const;

export const RULES: Readonly<Record<string, RouteRule>> = {
  "POST /node/enrol": { needs: "boot", unrecorded: OF_ORDER },
  "POST /node/attest": { needs: "boot", unrecorded: OF_ORDER },
  "POST /node/medium": { needs: "medium", unrecorded: OF_ORDER },
  "POST /node/inventory": NODE,
  "POST /node/report": NODE,
  "POST /node/identity": NODE,
  "POST /node/record": NODE,
  "POST /node/backup": NODE,
  "GET /node/backup/:capture": NODE,
  "GET /node/torrent": NODE,
  "POST /node/extents": NODE,
  "POST /node/signatures": { needs: "session", unrecorded: "the route itself records it" },
  "GET /node/packs/:torrent/:file": NODE,

  "GET /templates": VIEW,
  "POST /templates": { needs: "operate", agent: true, unrecorded: "a sign of life, repeated by the agent" },
  "GET /templates/:id/orders": { needs: "operate", agent: true },
  "GET /templates/:id/boot/:file{vmlinuz|initramfs}": { needs: "operate", agent: true },
  "POST /templates/:id/restart": { needs: "operate", agent: true, records: "node.restart" },

  "GET /captures": VIEW,
  "GET /captures/:id": VIEW,
  "POST /captures": { needs: "operate", records: "capture.begin", body: true },
  "DELETE /captures/:id": { needs: "operate", records: "capture.cancel", evenIfFull: true },
  "POST /captures/:id/known": CAPTURE,
  "POST /captures/:id/frames": CAPTURE,
  "POST /captures/:id/progress": CAPTURE,
  "POST /captures/:id/entries/:part": CAPTURE,
  "PUT /captures/:id/entries": { needs: "operate", agent: true, records: "capture.publish" },
  "POST /captures/:id/failed": CAPTURE,

  "GET /images": VIEW,
  "GET /images/:ref": VIEW,
  "DELETE /images/:ref": { needs: "administer", records: "image.delete", evenIfFull: true },
  "GET /images/:ref/uses": VIEW,
  "PUT /images/:ref/note": { needs: "operate", records: "image.note" },
  "PUT /images/:name/tags/:tag": { needs: "operate", records: "image.tag", body: true },
  "DELETE /images/:name/tags/:tag": { needs: "operate", records: "image.untag" },
  "POST /images/:ref/verify": { needs: "operate", unrecorded: "it only reads" },
  "GET /images/:ref/diff/:to": VIEW,
  "GET /images/:ref/diff/:to/folder": VIEW,
  // files hold secrets: who may export a version may read them
  "GET /images/:ref/diff/:to/text": { needs: "administer", records: "image.read" },
  "GET /images/:ref/files": VIEW,
  "GET /images/:ref/find": VIEW,
  "GET /images/:ref/file": VIEW,
  "GET /images/:ref/content": { needs: "administer", records: "image.read" },
  "POST /images/prune": { needs: "administer", records: "image.prune", body: true, evenIfFull: true },
  "GET /images/:name/settings": VIEW,
  "PUT /images/:name/settings": { needs: "operate", records: "image.set" },
  "GET /images/:ref/boot/:file": VIEW,
  "POST /images/:ref/rehearsals": { needs: "operate", records: "image.rehearse" },
  "GET /images/:ref/rehearsals": VIEW,
  "GET /rehearsals": VIEW,
  "GET /rehearsals/:id": VIEW,
  "POST /rehearsals/:id/cancel": { needs: "operate", records: "image.rehearse-cancel", evenIfFull: true },
  "GET /rehearsals/:id/console": VIEW,
  "GET /rehearsals/:id/screenshot": VIEW,
  "GET /images/:ref/torrent": VIEW,
  "GET /images/:ref/export": { needs: "administer", records: "image.export" },

  // a registry gets what the swarm carries; the key opens it
  "POST /images/:ref/push": { needs: "administer", records: "image.push", body: true },
  "POST /images/pull": { needs: "administer", records: "image.pull", body: true },
  "GET /transfers/:id": VIEW,
  "POST /transfers/:id/cancel": {
    needs: "administer",
    records: "image.transfer-cancel",
    evenIfFull: true,
  },
  "POST /images/:name/key": { needs: "administer", records: "image.key" },

  // a medium with packs holds what an export holds; any medium lets machines enrol
  "POST /media": { needs: "administer", records: "medium.make", body: true },
  "GET /media": { needs: "administer" },
  "DELETE /media/:medium": { needs: "administer", records: "medium.revoke", evenIfFull: true },
  "POST /media/reports": { needs: "operate", records: "medium.adopt", body: true },
  "GET /media/:medium/image": { needs: "administer" },
  "GET /media/:medium/image/:file": { needs: "medium" },

  "GET /nodes": VIEW,
  "GET /nodes/:node": VIEW,
  "PUT /nodes/:node": { needs: "operate", records: "node.set" },
  "PUT /nodes": { needs: "operate", records: "node.set", body: true },
  "DELETE /nodes/:node": { needs: "administer", records: "node.delete" },
  "GET /machines": VIEW,
  "POST /machines/adopt": { needs: "operate", records: "machine.adopt", body: true },
  "GET /nodes/:node/recovery-key": { needs: "administer" },
  "POST /nodes/:node/recovery-key": { needs: "administer", records: "node.recovery-key" },
  "GET /nodes/:node/hardware": VIEW,
  "POST /nodes/:node/accept-hardware": { needs: "operate", records: "node.accept-hardware" },
  "POST /nodes/:node/forget-tpm": { needs: "operate", records: "node.forget-tpm" },
  "POST /nodes/:node/cancel": { needs: "order", records: "node.cancel" },
  "GET /nodes/:node/plan": VIEW,
  "GET /nodes/:node/log": VIEW,
  "GET /nodes/:node/console": VIEW,
  // with the names of who ordered something, as other lists show them, but not with their addresses
  "GET /nodes/:node/history": VIEW,
  "POST /nodes/:node/backup": { needs: "order", records: "node.backup" },
  "POST /nodes/:node/boot-backup": { needs: "order", records: "node.backup-at-boot", body: true },
  "POST /nodes/:node/agent": { needs: "administer", records: "node.agent-token" },
  "GET /nodes/:node/check": VIEW,
  "POST /checks": { needs: "order", records: "node.check", body: true },
  "GET /checks/:id/manifest": { needs: "operate", agent: true },
  "POST /checks/:id/progress": CHECK,
  "PUT /checks/:id/result": CHECK,
  "POST /checks/:id/failed": CHECK,
  "POST /reviews": { needs: "view", unrecorded: "it only reads" },
  "POST /deployments": { needs: "order", records: "node.deploy", body: true },
  "POST /discoveries": { needs: "order", records: "node.discover", body: true },
  "POST /restores": { needs: "order", records: "node.restore", body: true },
  "GET /deployments": VIEW,
  "GET /deployments/:id": VIEW,
  "GET /deployments/:id/progress": VIEW,
  "GET /deployments/:id/swarm": VIEW,
  "GET /deployments/:id/comparison": VIEW,
  // for the nodes that the body names, else for all of the deployment's
  "POST /deployments/:id/cancel": { needs: "order", records: "deployment.cancel", body: true },
  "POST /deployments/:id/retry": { needs: "order", records: "deployment.retry", body: true },
  "POST /deployments/:id/pause": { needs: "order", records: "deployment.pause" },
  "POST /deployments/:id/resume": { needs: "order", records: "deployment.resume" },
  "PUT /power": { needs: "administer", records: "node.power-set", body: true },
  "POST /power": { needs: "order", records: "node.power", body: true },

  // for the nodes that the schedule names; each run asks again
  "GET /schedules": VIEW,
  "GET /schedules/:schedule": VIEW,
  "POST /schedules/preview": { needs: "view", unrecorded: "it only reads" },
  // for the nodes that it named until then, and for those that it is to name
  "PUT /schedules/:schedule": { needs: "order", records: "schedule.change", body: true },
  "POST /schedules": { needs: "order", records: "schedule.add", body: true },
  "POST /schedules/:schedule/pause": { needs: "order", records: "schedule.pause" },
  "POST /schedules/:schedule/resume": { needs: "order", records: "schedule.resume" },
  "POST /schedules/:schedule/run": { needs: "order", records: "schedule.run" },
  "DELETE /schedules/:schedule": { needs: "order", records: "schedule.remove" },

  "GET /sites": VIEW,
  "POST /sites": { needs: "administer", records: "site.add", body: true },
  "GET /sites/:site": VIEW,
  "DELETE /sites/:site": { needs: "administer", records: "site.remove", evenIfFull: true },
  "GET /sites/:site/events": VIEW,
  "POST /sites/:site/token": { needs: "administer", records: "site.token" },
  "POST /sites/:site/revoke": { needs: "administer", records: "site.revoke", evenIfFull: true },
  // it gives the image's key away, as an export does
  "PUT /sites/:site/images/:ref": { needs: "administer", records: "site.assign" },
  "DELETE /sites/:site/images/:ref": { needs: "administer", records: "site.unassign" },
  "GET /upstream": VIEW,
  // the route itself records it
  "POST /relay/enrol": { needs: "relay", records: "site.enrol" },
  "POST /relay/sync": RELAY,
  "GET /relay/torrents/:ref": RELAY,
  "GET /relay/packs/:ref/:torrent/:file": RELAY,

  "GET /hooks": VIEW,
  "GET /hooks/:scope/:when/:name": { needs: "administer" },
  "PUT /hooks/:scope/:when/:name": { needs: "administer", records: "hook.set" },
  "DELETE /hooks/:scope/:when/:name": { needs: "administer", records: "hook.delete" },

  "GET /pack-store": VIEW,
  "POST /pack-store": { needs: "administer", records: "pack-store.move" },
  "GET /swarm": VIEW,
  "POST /swarm": { needs: "administer", records: "swarm.set" },
  "GET /notices": VIEW,
  "GET /secure-boot": VIEW,
  "POST /server/backup": { needs: "administer", records: "server.backup" },
  "GET /standing": { needs: "none" },
  "GET /standbys": VIEW,
  "POST /standbys": { needs: "administer", records: "standby.add", body: true },
  "DELETE /standbys/:standby": { needs: "administer", records: "standby.remove", evenIfFull: true },
  "POST /take-over": {
    needs: "administer",
    unrecorded: "a server that serves does nothing; a standby records it",
  },
  "POST /standbys/enrol": { needs: "standby", unrecorded: "its token was recorded when it was made" },
  "POST /standbys/follow": { needs: "standby", unrecorded: "it only reads" },
  "POST /standbys/report": { needs: "standby", unrecorded: "a sign of life, repeated by the standby" },
  "GET /standbys/content": { needs: "standby" },
  "GET /events": VIEW,
  "GET /openapi.json": { needs: "none" },

  "GET /me": VIEW,
  "GET /users": { needs: "administer" },
  "POST /users": { needs: "administer", records: "user.add", body: true },
  "GET /users/:user": { needs: "administer" },
  "PUT /users/:user": { needs: "administer", records: "user.set", body: true },
  "DELETE /users/:user": { needs: "administer", records: "user.remove" },
  // of the caller's own tokens
  "GET /tokens": VIEW,
  "POST /tokens": { needs: "view", records: "token.add", body: true },
  "POST /tokens/rotate-admin": { needs: "administer", records: "token.rotate-admin" },
  "DELETE /tokens/:id": { needs: "view", records: "token.revoke" },

  "GET /webhooks": { needs: "administer" },
  "GET /webhooks/:webhook": { needs: "administer" },
  "PUT /webhooks/:webhook": { needs: "administer", records: "webhook.set" },
  "DELETE /webhooks/:webhook": { needs: "administer", records: "webhook.delete" },
  "POST /webhooks/:webhook/test": { needs: "administer", records: "webhook.test" },
  "GET /mail": { needs: "administer" },
  "POST /mail/test": { needs: "administer", records: "mail.test" },
  "GET /webhook-failures": { needs: "administer" },
  "POST /webhook-failures/resend": { needs: "administer", records: "webhook.resend" },

  "GET /audit": { needs: "administer" },
  "GET /audit/export": { needs: "administer", records: "audit.export" },
};

/** "GET /nodes/:node" of a route as Hono has it. */
export function ruleName({ method, path }: { method: string; path: string }, base: string): string {
  return `${method} ${path.slice(base.length)}`;
}

/**
 * Throws if a route has no rule or no description, if there is one without a route, or if a change is neither recorded
 * nor says why.
 */
export function checkRules(routes: readonly { method: string; path: string }[], base: string): void {
  const names = new Set(
    routes.filter(({ method }) => method !== "ALL").map((route) => ruleName(route, base)),
  );
  const wrong = [
    ...[...names].filter((name) => RULES[name] === undefined).map((name) => `${name} has no rule`),
    ...[...names].filter((name) => !(name in CALLS)).map((name) =>
      `${name} has no description: add it to a table in server/contract/calls/`
    ),
    ...Object.keys(CALLS).filter((name) => !names.has(name)).map((name) =>
      `${name} is described, but no route`
    ),
    ...Object.keys(RULES).filter((name) => !names.has(name)).map((name) => `${name} is no route`),
    ...Object.entries(RULES)
      .filter(([name, rule]) => !name.startsWith("GET ") && !rule.records && !rule.unrecorded)
      .map(([name]) => `${name} is not recorded`),
  ];
  if (wrong.length > 0) throw new Error(`the API's rules are incomplete: ${wrong.join("; ")}`);
}
