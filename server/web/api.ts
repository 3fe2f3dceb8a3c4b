/** The API below /api/v1, documented in #contract/api.ts. */
import { Hono } from "hono";
import { API } from "#contract/api.ts";
import { type ApiContext, type Env } from "./context.ts";
import { operatorOrAgent } from "./agent_access.ts";
import { backupRoutes } from "./routes/backups.ts";
import { captureRoutes } from "./routes/captures.ts";
import { eventRoutes } from "./routes/events.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { imageRoutes } from "./routes/images.ts";
import { nodeAgentRoutes } from "./routes/node_agent.ts";
import { nodeRoutes } from "./routes/nodes.ts";
import { powerRoutes } from "./routes/power.ts";
import { swarmRoutes } from "./routes/swarm.ts";
import { templateRoutes } from "./routes/templates.ts";

export function createApi(context: ApiContext): Hono<Env> {
  const app = new Hono<Env>().basePath(API);
  // nodes' own calls come first; everything after is for the operator
  app.route("/", nodeAgentRoutes(context));
  app.use("*", operatorOrAgent(context));
  app.route("/", templateRoutes(context));
  app.route("/", captureRoutes(context));
  app.route("/", imageRoutes(context));
  app.route("/", nodeRoutes(context));
  app.route("/", powerRoutes(context));
  app.route("/", backupRoutes(context));
  app.route("/", swarmRoutes(context));
  app.route("/", hookRoutes(context));
  app.route("/", eventRoutes(context));
  return app;
}
