import { Hono } from "hono";
import { BackupRequest, BootBackupRequest } from "#contract/api.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, type Env, withoutTokens } from "../context.ts";

export function backupRoutes({ backups, bootBackups }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.post(
    "/nodes/:node/backup",
    async (c) => c.json(backups.begin(c.req.param("node"), await jsonBody(c.req, BackupRequest))),
  );
  app.post("/nodes/:node/boot-backup", async (c) => {
    const request = await jsonBody(c.req, BootBackupRequest);
    return c.json(withoutTokens(c, bootBackups.arm(c.req.param("node"), request)));
  });
  app.post("/nodes/:node/agent", (c) => c.json(backups.issueToken(c.req.param("node"))));
  return app;
}
