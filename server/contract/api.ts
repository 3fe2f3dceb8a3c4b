/**
 * The API between agent, command line, page and server: JSON over HTTPS below `/api/v1`, checked against these
 * schemas at both ends. Errors are RFC 9457 problems (errors.ts). Every call carries
 * `Authorization: Bearer SECRET`; token.ts shows how a token carries the server's pin.
 *
 * People (personal tokens, the admin token, or the page's cookie); web/route_rules.ts says which role each needs
 *   GET    /templates                          TemplateView[]
 *   POST   /captures                           CaptureRequest → CaptureView
 *   GET    /captures   GET /captures/:id       CaptureView(s)
 *   DELETE /captures/:id                       cancels
 *   GET    /images                             ImageView[]       all versions of all images
 *   GET    /images/:ref                        VersionView       :ref is NAME or NAME@N
 *   DELETE /images/:ref
 *   POST   /images/:ref/verify                 NDJSON VerifyEvent…
 *   GET    /images/:ref/diff/:to               ImageChange[]     what changed from one to the other
 *   POST   /images/prune                       PruneRequest → PruneAnswer
 *   GET    /images/:name/settings              ImageSettings (restore.ts)
 *   PUT    /images/:name/settings              ImageSettings → ImageSettings   replaces the old ones
 *   GET    /images/:ref/export                 pax tar
 *   GET    /nodes      GET /nodes/:node        NodeView(s)       :node is name, MAC or id
 *   PUT    /nodes/:node                        NodeSettings → NodeView   creates the node if it is new
 *   PUT    /nodes                              NodeChange[] → NodeView[]   all of them or none
 *   DELETE /nodes/:node                        ?force=true: also if its recovery key is lost with it
 *   POST   /deployments                        DeployRequest → DeployAnswer
 *   POST   /restores                           RestoreRequest → DeployAnswer
 *   GET    /nodes/:node/plan?image=REF         PlanPreview       what a deployment would do; also &unlock=HOW, &restore=true
 *   POST   /nodes/:node/cancel                 NodeView
 *   GET    /nodes/:node/log                    StepReport[]      of its latest deployment
 *   POST   /nodes/:node/backup                 BackupRequest → CaptureView   by the agent that runs on the node
 *   POST   /nodes/:node/boot-backup            BootBackupRequest → DeployAnswer   at its next network boot
 *   POST   /nodes/:node/agent                  AgentToken        for that agent; revokes the one before
 *   GET    /nodes/:node/recovery-key           RecoveryKeyUse[]  who was shown it
 *   POST   /nodes/:node/recovery-key           RecoveryKeyRequest → RecoveryKeyView   once; then with a reason
 *   GET    /deployments/:id                    DeploymentView
 *   GET    /hooks                              HookSummary[]
 *   GET    /hooks/:scope/:when/:name           HookView          see hooks.ts
 *   PUT    /hooks/:scope/:when/:name           HookContent → HookView
 *   DELETE /hooks/:scope/:when/:name
 *   GET    /swarm                              SwarmSettings
 *   POST   /swarm                              SwarmChange → SwarmSettings
 *   GET    /notices                            Notice[]         problems with the server's disk or images
 *   POST   /server/backup                      pax tar          database, keys, tokens, certificates: every secret
 *   GET    /me                                 WhoAmI
 *   GET    /users                              UserView[]
 *   POST   /users                              UserAdd → UserAnswer   with a set-up link
 *   PUT    /users/:user                        UserChange → UserAnswer
 *   DELETE /users/:user
 *   GET    /tokens                             TokenView[]      the caller's own; all of them for an admin
 *   POST   /tokens                             TokenAdd → TokenAnswer
 *   DELETE /tokens/:id
 *   POST   /tokens/rotate-admin                AdminTokenAnswer
 *   GET    /mail                               MailView (webhooks.ts), or 404 if no mail server is set
 *   POST   /mail/test                          WebhookTest      one attempt
 *   GET    /audit                              AuditQuery → AuditPage   newest first, by cursor
 *   GET    /audit/export                       NDJSON AuditLine…, oldest first, then AuditEnd
 *   GET    /events                             server-sent events: ServerEvent
 *
 * Template's agent, `image import` (an operator's token; an AgentToken for the template with its node's name; the session of a
 * node that is being backed up, for the calls of that capture)
 *   POST /templates                            TemplateAnnouncement → { id }
 *   GET  /templates/:id/orders                 CaptureOrder, or 204 after 30 s: long polling
 *   POST /captures/:id/known                   n × 32 bytes → n bytes, 1 if the server has that extent
 *   POST /captures/:id/frames                  one frame's extents (frame_upload.ts) → 204; that format has its own
 *                                              compression, so `Content-Encoding` is refused (415)
 *   POST /captures/:id/progress                CaptureProgress → 204
 *   POST /captures/:id/entries/:part           zstd of lines of entry_changes.ts, from part 0 on → 204
 *   PUT  /captures/:id/entries                 zstd of CaptureHeader, after everything else → 204
 *   POST /captures/:id/failed                  Problem → 204
 *
 * Node's agent (boot token, then the session token from enrolment)
 *   POST /node/enrol                           Enrolment → Order, or BackupOrder
 *   POST /node/report                          StepReport → ReportAnswer
 *   POST /node/identity                        IdentityClaim → Identity     409 if another node has it
 *   POST /node/record                          Identity → 204               the clone's identity, with its secrets
 *   POST /node/backup                          CaptureOrder     begins the ordered backup; repeatable
 *   GET  /node/backup/:capture                 CaptureView      a capture of this node
 *   GET  /node/packs/:torrent/:file            the version's files, whole or one range (RFC 9110 §14)
 *   GET  /node/torrent                         the version's metainfo
 *   POST /node/extents                         ExtentRequest → extents of the version (extent_answer.ts)
 *
 * The clone itself, once, over plain HTTP: see api/first_boot.ts.
 */
export { Cidr, Hostname, Ipv4Address, Mac } from "./identity.ts";
export { ImageRef, MachineName, ProblemSchema } from "./api/fields.ts";
export * from "./api/captures.ts";
export * from "./api/disks.ts";
export * from "./api/encryption.ts";
export * from "./api/images.ts";
export * from "./api/notices.ts";
export * from "./api/plan_preview.ts";
export * from "./api/nodes.ts";
export * from "./api/node_agent.ts";
export * from "./api/events.ts";

export const API = "/api/v1";
