/** The API below /api/v1; #contract/calls.ts has all of its calls. */
import { Hono } from "hono";
import { API } from "#contract/api.ts";
import { type ApiContext, type Env } from "./context.ts";
import { guard } from "./guard.ts";
import { checkRules } from "./route_rules.ts";
import { auditRoutes } from "./routes/audit.ts";
import { backupRoutes } from "./routes/backups.ts";
import { captureRoutes } from "./routes/captures.ts";
import { documentRoutes } from "./routes/document.ts";
import { checkRoutes } from "./routes/checks.ts";
import { eventRoutes } from "./routes/events.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { imageRoutes } from "./routes/images.ts";
import { machineRoutes } from "./routes/machines.ts";
import { nodeAgentRoutes } from "./routes/node_agent.ts";
import { deploymentRoutes } from "./routes/deployments.ts";
import { nodeRoutes } from "./routes/nodes.ts";
import { peopleRoutes } from "./routes/people.ts";
import { powerRoutes } from "./routes/power.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { swarmRoutes } from "./routes/swarm.ts";
import { templateRoutes } from "./routes/templates.ts";
import { webhookRoutes } from "./routes/webhooks.ts";

export function createApi(context: ApiContext): Hono<Env> {
  const app = new Hono<Env>().basePath(API);
  app.use("*", guard(context));
  app.route("/", nodeAgentRoutes(context));
  app.route("/", templateRoutes(context));
  app.route("/", captureRoutes(context));
  app.route("/", imageRoutes(context));
  app.route("/", nodeRoutes(context));
  app.route("/", deploymentRoutes(context));
  app.route("/", powerRoutes(context));
  app.route("/", machineRoutes(context));
  app.route("/", backupRoutes(context));
  app.route("/", scheduleRoutes(context));
  app.route("/", checkRoutes(context));
  app.route("/", swarmRoutes(context));
  app.route("/", hookRoutes(context));
  app.route("/", webhookRoutes(context));
  app.route("/", eventRoutes(context));
  app.route("/", auditRoutes(context));
  app.route("/", documentRoutes());
  app.route("/", peopleRoutes(context));
  checkRules(app.routes, API);
  return app;
}
