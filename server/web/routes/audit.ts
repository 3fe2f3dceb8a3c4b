import { Hono } from "hono";
import { AuditQuery } from "#contract/api/audit.ts";
import type { ApiContext, Env } from "../context.ts";

/** Lines that are sent in one piece. */
const PER_CHUNK = 200;

export function auditRoutes({ audit }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/audit", (c) => c.json(audit.list(AuditQuery.parse(c.req.query()))));
  app.get(
    "/audit/export",
    () =>
      new Response(ReadableStream.from(exported(audit)).pipeThrough(new TextEncoderStream()), {
        headers: {
          "content-type": "application/x-ndjson",
          "content-disposition": 'attachment; filename="audit.jsonl"',
          "cache-control": "no-store",
        },
      }),
  );
  return app;
}

/** Lines that are added meanwhile are included. */
function* exported(audit: ApiContext["audit"]): Generator<string> {
  let chunk: string[] = [];
  for (const line of audit.lines()) {
    chunk.push(`${JSON.stringify(line)}\n`);
    if (chunk.length < PER_CHUNK) continue;
    yield chunk.join("");
    chunk = [];
  }
  yield `${chunk.join("")}${JSON.stringify({ written: audit.written() })}\n`;
}
