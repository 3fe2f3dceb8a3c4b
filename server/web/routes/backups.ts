import { Hono } from "hono";
import { BackupRequest } from "#contract/api.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

export function backupRoutes({ backups }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.post(
    "/nodes/:node/backup",
    async (c) => c.json(backups.begin(c.req.param("node"), await jsonBody(c.req, BackupRequest))),
  );
  app.post("/nodes/:node/agent", (c) => c.json(backups.issueToken(c.req.param("node"))));
  return app;
}
