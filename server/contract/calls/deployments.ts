/** Calls about deployments as a whole. */
import { z } from "zod";
import {
  CancelDeploymentAnswer,
  CancelDeploymentRequest,
  ComparisonQuery,
  DeploymentComparison,
  DeploymentProgress,
  DeploymentQuery,
  DeploymentSummary,
  DeploymentSwarm,
  DeploymentView,
  RetryRequest,
} from "../api/deployments.ts";
import { DeployAnswer } from "../api/nodes.ts";
import type { Calls } from "./call.ts";

export const deploymentCalls = {
  "GET /deployments": {
    summary: "List the deployments, restores and backups at boot, newest first.",
    query: DeploymentQuery,
    isPaged: true,
    answer: z.array(DeploymentSummary),
  },
  "GET /deployments/:id": {
    summary: "Show a deployment: its nodes with their states, the slowest of them, and failures by cause.",
    answer: DeploymentView,
  },
  "GET /deployments/:id/progress": {
    summary: "Show how a deployment goes: nodes done and bytes by source over time, and the time left.",
    answer: DeploymentProgress,
  },
  "GET /deployments/:id/swarm": {
    summary: "Show who feeds whom right now, with racks and rates.",
    answer: DeploymentSwarm,
  },
  "GET /deployments/:id/comparison": {
    summary: "Compare a deployment with earlier ones of the same image.",
    query: ComparisonQuery,
    answer: DeploymentComparison,
  },
  "POST /deployments/:id/cancel": {
    summary: "Cancel a deployment, for all of its nodes or for some.",
    about: "A node that is being installed is left with an incomplete disk.",
    body: CancelDeploymentRequest,
    answer: CancelDeploymentAnswer,
    errors: [409],
  },
  "POST /deployments/:id/retry": {
    summary: "Order the same once more for nodes of a deployment that failed, as a new deployment.",
    isOrder: true,
    about: "Nodes that have another order since are left out. Only an admin gets the nodes' boot tokens.",
    body: RetryRequest,
    answer: DeployAnswer,
    errors: [409],
  },
  "POST /deployments/:id/pause": {
    summary: "Hold the nodes of a deployment that have not begun.",
    about: "They start from their own disks until it is resumed. Nodes that have loaded the installer go on.",
    answer: DeploymentView,
    errors: [409],
  },
  "POST /deployments/:id/resume": {
    summary: "Let the nodes of a paused deployment begin again.",
    answer: DeploymentView,
    errors: [409],
  },
} as const satisfies Calls;
