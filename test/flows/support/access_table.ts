/** Every route of the API, and who is admitted to it. */

export const WHO = [
  "none",
  "wrong",
  "revoked",
  "metrics",
  "viewer",
  "operator",
  "group",
  "admin",
  "owner",
  "boot",
  "session",
  "ended",
  "agent",
] as const;
export type Who = typeof WHO[number];

/** Who is admitted; of the others, people are refused with 403, and everything else with 401. */
export const VIEW: readonly Who[] = ["viewer", "operator", "group", "admin", "owner"];
export const ORDER: readonly Who[] = ["operator", "group", "admin", "owner"];
export const OPERATE: readonly Who[] = ["operator", "admin", "owner"];
export const ADMIN: readonly Who[] = ["admin", "owner"];
export const PEOPLE: readonly Who[] = VIEW;

type Row = readonly [route: string, admitted: readonly Who[], call?: Call];

interface Call {
  /** By default the route's with "none" for every parameter. "{who}" and what `sitesOf` names are filled in. */
  readonly path?: string;
  readonly json?: unknown;
}
/**
 * "owner" holds the admin token; "group" is an operator of rack1; "agent" runs on n4. "revoked" was an admin's token,
 * "ended" is of an order before the present one, "metrics" opens /metrics. Calls do no harm: they name what is not there,
 * or send a body that is refused.
 */
export const TABLE: readonly Row[] = [
  ["POST /node/enrol", ["boot"], { json: {} }],
  ["POST /node/attest", ["boot"], { json: {} }],
  // only the secret of a medium, which nobody of these has
  ["POST /node/medium", [], { json: {} }],
  ["POST /node/inventory", ["session"], { json: {} }],
  ["POST /node/report", ["session"], { json: {} }],
  ["POST /node/identity", ["session"], { json: {} }],
  ["POST /node/record", ["session"], { json: {} }],
  ["POST /node/backup", ["session"]],
  ["GET /node/backup/:capture", ["session"]],
  ["GET /node/torrent", ["session"]],
  ["POST /node/extents", ["session"], { json: {} }],
  ["POST /node/signatures", ["session"], { json: {} }],
  ["GET /node/packs/:torrent/:file", ["session"]],

  ["GET /templates", VIEW],
  ["POST /templates", [...OPERATE, "agent"], { json: { name: "n4", lacks: [] } }],
  ["GET /templates/:id/orders", [...OPERATE, "agent"]],
  ["GET /templates/:id/boot/:file{vmlinuz|initramfs}", [...OPERATE, "agent"], {
    path: "/templates/none/boot/vmlinuz",
  }],
  ["POST /templates/:id/restart", [...OPERATE, "agent"], { json: {} }],
  ["POST /templates/:id/restart", [...OPERATE, "agent"], { path: "/templates/{template}/restart", json: {} }],
  // no agent may call for another template
  ["GET /templates/:id/boot/:file{vmlinuz|initramfs}", OPERATE, {
    path: "/templates/{otherTemplate}/boot/vmlinuz",
  }],
  ["POST /templates/:id/restart", OPERATE, { path: "/templates/{otherTemplate}/restart", json: {} }],

  ["GET /captures", VIEW],
  ["GET /captures/:id", VIEW],
  ["POST /captures", OPERATE, { json: {} }],
  ["DELETE /captures/:id", OPERATE],
  ...ofAgent("captures", [
    ["POST", "known"],
    ["POST", "frames"],
    ["POST", "progress", { json: {} }],
    ["POST", "entries/:part"],
    ["PUT", "entries", { json: 0 }],
    ["POST", "failed", { json: {} }],
  ]),

  ["GET /images", VIEW],
  ["GET /images/:ref", VIEW],
  ["DELETE /images/:ref", ADMIN],
  ["GET /images/:ref/uses", VIEW],
  ["PUT /images/:ref/note", OPERATE, { json: {} }],
  ["PUT /images/:name/tags/:tag", OPERATE, { json: {} }],
  ["DELETE /images/:name/tags/:tag", OPERATE],
  ["POST /images/:ref/verify", OPERATE],
  ["GET /images/:ref/diff/:to", VIEW],
  ["GET /images/:ref/diff/:to/folder", VIEW],
  ["GET /images/:ref/diff/:to/text", ADMIN],
  ["GET /images/:ref/files", VIEW],
  ["GET /images/:ref/find", VIEW],
  ["GET /images/:ref/file", VIEW],
  ["GET /images/:ref/content", ADMIN],
  ["POST /images/prune", ADMIN, { json: { keepLast: "x" } }],
  ["GET /images/:name/settings", VIEW],
  ["PUT /images/:name/settings", OPERATE, { json: {} }],
  ["GET /images/:ref/boot/:file", VIEW],
  ["POST /images/:ref/rehearsals", OPERATE, { json: {} }],
  ["GET /images/:ref/rehearsals", VIEW],
  ["GET /rehearsals", VIEW],
  ["GET /rehearsals/:id", VIEW],
  ["POST /rehearsals/:id/cancel", OPERATE],
  ["GET /rehearsals/:id/console", VIEW],
  ["GET /rehearsals/:id/screenshot", VIEW],
  ["GET /images/:ref/torrent", VIEW],
  ["GET /images/:ref/export", ADMIN],
  ["POST /images/:ref/push", ADMIN, { json: {} }],
  ["POST /images/pull", ADMIN, { json: {} }],
  ["GET /transfers/:id", VIEW],
  ["POST /transfers/:id/cancel", ADMIN],
  ["POST /images/:name/key", ADMIN],

  ["POST /media", ADMIN, { json: {} }],
  ["GET /media", ADMIN],
  ["DELETE /media/:medium", ADMIN],
  ["GET /media/:medium/image", ADMIN],
  ["GET /media/:medium/image/:file", []],
  ["POST /media/reports", OPERATE, { json: {} }],

  ["GET /nodes", VIEW],
  ["GET /nodes/:node", VIEW],
  ["PUT /nodes/:node", OPERATE, { path: "/nodes/n3", json: { group: "rack1" } }],
  ["PUT /nodes", OPERATE, { json: [] }],
  ["DELETE /nodes/:node", ADMIN],
  ["GET /machines", VIEW],
  ["POST /machines/adopt", OPERATE, { json: [] }],
  ["GET /nodes/:node/recovery-key", ADMIN],
  ["POST /nodes/:node/recovery-key", ADMIN, { json: {} }],
  ["GET /nodes/:node/hardware", VIEW],
  ["POST /nodes/:node/accept-hardware", OPERATE],
  ["POST /nodes/:node/forget-tpm", OPERATE],
  ["POST /nodes/:node/cancel", ORDER, { path: "/nodes/n3/cancel" }],
  ["POST /nodes/:node/cancel", OPERATE, { path: "/nodes/other/cancel" }],
  ["POST /nodes/:node/cancel", OPERATE],
  ["GET /nodes/:node/plan", VIEW],
  ["GET /nodes/:node/log", VIEW],
  ["GET /nodes/:node/console", VIEW],
  ["GET /nodes/:node/history", VIEW],
  ["POST /nodes/:node/backup", ORDER, { path: "/nodes/n%33/backup", json: {} }],
  ["POST /nodes/:node/backup", OPERATE, { path: "/nodes/other/backup", json: {} }],
  ["POST /nodes/:node/boot-backup", ORDER, { path: "/nodes/n3/boot-backup", json: { image: "none" } }],
  ["POST /nodes/:node/boot-backup", OPERATE, { path: "/nodes/other/boot-backup", json: { image: "none" } }],
  ["POST /nodes/:node/agent", ADMIN, { path: "/nodes/n3/agent" }],
  ["GET /nodes/:node/check", VIEW, { path: "/nodes/n3/check" }],
  ["POST /checks", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /checks", OPERATE, { json: { nodes: ["n3", "other"] } }],
  ["POST /checks", OPERATE, { json: {} }],
  ...ofAgent("checks", [
    ["GET", "manifest"],
    ["POST", "progress", { json: {} }],
    ["PUT", "result", { json: {} }],
    ["POST", "failed", { json: {} }],
  ]),
  ["POST /reviews", VIEW, { json: { kind: "deployment", nodes: ["n3"], image: "none" } }],
  ["POST /deployments", ORDER, { json: { nodes: ["n3"], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: ["other"], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: ["n3", "other"], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: ["n3", "nobody"], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: [], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: "n3", image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: ["n3"], image: "none", force: true } }],
  ["POST /discoveries", ORDER, { json: { nodes: ["n3"], image: "none" } }],
  ["POST /discoveries", OPERATE, { json: { nodes: ["nobody"], image: "none" } }],
  ["POST /restores", OPERATE, { json: { nodes: ["n3"], image: "none", force: true } }],
  ["POST /restores", ORDER, { json: { nodes: ["n3"], image: "none" } }],
  ["POST /restores", ORDER, { json: { nodes: ["n3"], image: "none", now: true } }],
  ["POST /restores", OPERATE, { json: { nodes: ["other"], image: "none" } }],
  ["GET /deployments", VIEW],
  ["GET /deployments/:id", VIEW],
  ["GET /deployments/:id/progress", VIEW],
  ["GET /deployments/:id/swarm", VIEW],
  ["GET /deployments/:id/comparison", VIEW],
  ["POST /deployments/:id/cancel", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /deployments/:id/cancel", OPERATE, { json: { nodes: ["n3", "other"] } }],
  ["POST /deployments/:id/cancel", OPERATE, { json: {} }],
  ["POST /deployments/:id/retry", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /deployments/:id/retry", OPERATE, { json: { nodes: ["n3", "other"] } }],
  ["POST /deployments/:id/retry", OPERATE, { json: {} }],
  // without nodes in the body, all of the deployment's count
  ["POST /deployments/:id/pause", ORDER, { path: "/deployments/{deployment}/pause" }],
  ["POST /deployments/:id/pause", OPERATE, { path: "/deployments/{foreignDeployment}/pause" }],
  ["POST /deployments/:id/pause", OPERATE],
  ["POST /deployments/:id/resume", ORDER, { path: "/deployments/{deployment}/resume" }],
  ["POST /deployments/:id/resume", OPERATE, { path: "/deployments/{foreignDeployment}/resume" }],
  ["POST /deployments/:id/resume", OPERATE],
  ["PUT /power", ADMIN, { json: [{ node: "nobody", power: null }] }],
  ["POST /power", ORDER, { json: { nodes: ["n3"], action: "status" } }],
  ["POST /power", OPERATE, { json: { nodes: ["other"], action: "on" } }],
  ["POST /power", OPERATE, { json: { nodes: ["n3", "other"], action: "off" } }],
  ["POST /power", OPERATE, { json: { nodes: [], action: "off" } }],

  ["GET /schedules", VIEW],
  ["GET /schedules/:schedule", VIEW],
  ["POST /schedules", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /schedules", ORDER, { json: { nodes: ["n[3]"] } }],
  ["POST /schedules", ORDER, { json: { nodes: ["@rack1"] } }],
  ["POST /schedules", OPERATE, { json: { nodes: ["@rack1", "other"] } }],
  ["POST /schedules", OPERATE, { json: { nodes: ["@nothing"] } }],
  ["POST /schedules", OPERATE, { json: { nodes: ["n{3..2}"] } }],
  ["POST /schedules", OPERATE, { json: { nodes: ["n3"], order: { force: true } } }],
  ["POST /schedules/preview", VIEW],
  ["PUT /schedules/:schedule", ORDER, { path: "/schedules/rack", json: { nodes: ["n3"] } }],
  ["PUT /schedules/:schedule", OPERATE, { path: "/schedules/rack", json: { nodes: ["@rack1", "other"] } }],
  ["PUT /schedules/:schedule", OPERATE, { path: "/schedules/all", json: { nodes: ["n3"] } }],
  ["POST /schedules/:schedule/pause", ORDER, { path: "/schedules/rack/pause" }],
  ["POST /schedules/:schedule/pause", OPERATE, { path: "/schedules/all/pause" }],
  ["POST /schedules/:schedule/pause", OPERATE],
  // a paused schedule begins no run
  ["POST /schedules/:schedule/run", ORDER, { path: "/schedules/rack/run" }],
  ["POST /schedules/:schedule/run", OPERATE, { path: "/schedules/all/run" }],
  ["POST /schedules/:schedule/run", OPERATE],
  ["POST /schedules/:schedule/resume", ORDER, { path: "/schedules/rack/resume" }],
  ["POST /schedules/:schedule/resume", OPERATE, { path: "/schedules/all/resume" }],
  ["POST /schedules/:schedule/resume", OPERATE],
  ["DELETE /schedules/:schedule", ORDER, { path: "/schedules/rack-of-{who}" }],
  ["DELETE /schedules/:schedule", OPERATE, { path: "/schedules/all-of-{who}" }],
  ["DELETE /schedules/:schedule", OPERATE],

  ["GET /hooks", VIEW],
  ["GET /hooks/:scope/:when/:name", ADMIN],
  ["PUT /hooks/:scope/:when/:name", ADMIN, { json: {} }],
  ["DELETE /hooks/:scope/:when/:name", ADMIN],

  ["GET /sites", VIEW],
  ["POST /sites", ADMIN, { json: {} }],
  ["GET /sites/:site", VIEW],
  ["DELETE /sites/:site", ADMIN],
  ["GET /sites/:site/events", VIEW],
  ["POST /sites/:site/token", ADMIN],
  ["POST /sites/:site/revoke", ADMIN],
  ["PUT /sites/:site/images/:ref", ADMIN],
  ["DELETE /sites/:site/images/:ref", ADMIN],
  ["GET /upstream", VIEW],
  // only a site's relay, by its token or its signature: relay_test.ts
  ["POST /relay/enrol", [], { json: {} }],
  ["POST /relay/sync", [], { json: {} }],
  ["GET /relay/torrents/:ref", []],
  ["GET /relay/packs/:ref/:torrent/:file", []],

  ["GET /pack-store", VIEW],
  ["POST /pack-store", ADMIN, { json: { home: "local" } }],
  ["GET /swarm", VIEW],
  ["POST /swarm", ADMIN, { json: { uploadLimit: 1 } }],
  ["GET /notices", VIEW],
  ["GET /secure-boot", VIEW],
  ["POST /server/backup", ADMIN],
  ["GET /standbys", VIEW],
  ["POST /standbys", ADMIN, { json: {} }],
  ["DELETE /standbys/:standby", ADMIN],
  ["POST /take-over", ADMIN],
  // only the secret of a standby, which nobody of these has
  ["POST /standbys/enrol", []],
  ["POST /standbys/follow", [], { json: {} }],
  ["POST /standbys/report", [], { json: {} }],
  ["GET /standbys/content", []],
  ["GET /events", VIEW],
  ["GET /openapi.json", WHO],
  ["GET /standing", WHO],

  ["GET /webhooks", ADMIN],
  ["GET /webhooks/:webhook", ADMIN],
  ["PUT /webhooks/:webhook", ADMIN, { json: {} }],
  ["DELETE /webhooks/:webhook", ADMIN],
  ["POST /webhooks/:webhook/test", ADMIN],
  ["GET /mail", ADMIN],
  ["POST /mail/test", ADMIN],
  ["GET /webhook-failures", ADMIN],
  ["POST /webhook-failures/resend", ADMIN, { json: { ids: 1 } }],

  ["GET /me", VIEW],
  ["GET /users", ADMIN],
  ["POST /users", ADMIN, { json: {} }],
  ["GET /users/:user", ADMIN],
  ["PUT /users/:user", ADMIN, { json: {} }],
  ["DELETE /users/:user", ADMIN],
  ["GET /tokens", VIEW],
  ["POST /tokens", VIEW, { json: {} }],
  ["DELETE /tokens/:id", VIEW],
  ["GET /audit", ADMIN],
  ["GET /audit/export", ADMIN],
  // what expires must not be exchanged for what does not; the last one, since it ends the owner's token
  ["POST /tokens/rotate-admin", ["owner"], { json: {} }],
];

/** What agents call about their own captures or checks. None may call about another node's, or one that is not there. */
function ofAgent(
  what: "captures" | "checks",
  calls: readonly (readonly [method: string, part: string, call?: Call])[],
): Row[] {
  const [own, other] = what === "captures" ? ["{capture}", "{otherCapture}"] : ["{check}", "{otherCheck}"];
  return calls.flatMap(([method, part, call]) => {
    const row = (id: string, admitted: readonly Who[]): Row => {
      const path = `/${what}/${id}/${part.replace(":part", "0")}`;
      return [`${method} /${what}/:id/${part}`, admitted, { ...call, path }];
    };
    return [row(own, [...OPERATE, "agent"]), row(other, OPERATE), row("none", OPERATE)];
  });
}
