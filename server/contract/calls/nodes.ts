/** Calls about nodes, and the orders that are given to them. */
import { z } from "zod";
import { CaptureView } from "../api/captures.ts";
import { BackupRequest } from "../api/captures.ts";
import { RecoveryKeyRequest, RecoveryKeyUse, RecoveryKeyView } from "../api/encryption.ts";
import { StepReport } from "../api/node_agent.ts";
import { ConsoleQuery, ConsoleView, HistoryEntry, HistoryQuery } from "../api/node_history.ts";
import {
  AgentToken,
  BootBackupRequest,
  DeleteNodeQuery,
  DeployAnswer,
  DeployRequest,
  NodeChanges,
  NodeQuery,
  NodeSettings,
  NodeView,
  RestoreRequest,
} from "../api/nodes.ts";
import { PlanPreview, PlanQuery } from "../api/plan_preview.ts";
import { Review, ReviewRequest } from "../api/reviews.ts";
import type { Calls } from "./call.ts";

const NO_TOKENS = "Only an admin gets the nodes' boot tokens.";

export const nodeCalls = {
  "GET /nodes": {
    summary: "List the nodes, by name.",
    query: NodeQuery,
    isPaged: true,
    answer: z.array(NodeView),
  },
  "PUT /nodes": {
    summary: "Change the settings of several nodes, all or none.",
    about: "A node that is not known is created. Settings that are left out are cleared.",
    body: NodeChanges,
    answer: z.array(NodeView),
    errors: [409],
  },
  "GET /nodes/:node": {
    summary: "Show a node: its settings, its state, and what it last reported.",
    isTagged: true,
    answer: NodeView,
  },
  "PUT /nodes/:node": {
    summary: "Create a node, or replace its settings.",
    isTagged: true,
    about: "Settings that are left out are cleared.",
    body: NodeSettings,
    answer: NodeView,
    errors: [409],
  },
  "DELETE /nodes/:node": {
    summary: "Delete a node, with its log and its identity.",
    isTagged: true,
    query: DeleteNodeQuery,
    errors: [409],
  },
  "GET /nodes/:node/plan": {
    summary: "Show what a deployment or a restore would do to a node's disks.",
    query: PlanQuery,
    answer: PlanPreview,
    errors: [409],
  },
  "GET /nodes/:node/log": {
    summary: "List the steps of a node's latest deployment, oldest first.",
    answer: z.array(StepReport),
  },
  "GET /nodes/:node/console": {
    summary: "Follow what a node's agent logs while it works.",
    about: "The last lines are kept until the server restarts. Ask again with `after` for what follows.",
    query: ConsoleQuery,
    answer: ConsoleView,
  },
  "GET /nodes/:node/history": {
    summary: "List what was ordered for a node and what happened to it, newest first.",
    about:
      "Orders, changes of settings and of hardware, checks, backups, power and boots from the network, with the names of " +
      "those who ordered them. The audit log has their addresses.",
    query: HistoryQuery,
    isPaged: true,
    answer: z.array(HistoryEntry),
  },
  "POST /nodes/:node/cancel": {
    summary: "Cancel a node's order, or the installation that runs.",
    answer: NodeView,
    errors: [409],
  },
  "POST /nodes/:node/backup": {
    summary: "Back a node up now, by the agent that runs on it.",
    isOrder: true,
    body: BackupRequest,
    answer: CaptureView,
    errors: [409],
  },
  "POST /nodes/:node/boot-backup": {
    summary: "Back a node up at its next network boot; its disks are only read.",
    isOrder: true,
    about: NO_TOKENS,
    body: BootBackupRequest,
    answer: DeployAnswer,
    errors: [409],
  },
  "POST /nodes/:node/agent": {
    summary: "Make a token for the agent that runs on a node; the one before is revoked.",
    answer: AgentToken,
    errors: [409],
  },
  "GET /nodes/:node/recovery-key": {
    summary: "List who was shown a node's recovery key, and when.",
    answer: z.array(RecoveryKeyUse),
  },
  "POST /nodes/:node/recovery-key": {
    summary: "Show a node's recovery key.",
    about: "Once without a reason; after that, only with one.",
    body: RecoveryKeyRequest,
    answer: RecoveryKeyView,
    errors: [409],
  },
  "POST /reviews": {
    summary: "Show what a deployment or a restore would do to each of its nodes, without ordering it.",
    about: "Disks that would be overwritten and what is on them, identities, clashes and warnings. " +
      "An order that carries the review's digest is refused if it would no longer do the same.",
    body: ReviewRequest,
    answer: Review,
    errors: [404, 409],
  },
  "POST /deployments": {
    summary: "Order the deployment of an image to nodes, all or none.",
    isOrder: true,
    about: `Each node installs at its next network boot; its disks are overwritten. ${NO_TOKENS}`,
    body: DeployRequest,
    answer: DeployAnswer,
    errors: [404, 409],
  },
  "POST /restores": {
    summary: "Order the restore of nodes to an image, all or none.",
    isOrder: true,
    about: `Only what differs is fetched and written. ${NO_TOKENS}`,
    body: RestoreRequest,
    answer: DeployAnswer,
    errors: [404, 409],
  },
} as const satisfies Calls;
