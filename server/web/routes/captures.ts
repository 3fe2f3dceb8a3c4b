import { Hono } from "hono";
import {
  CaptureProgress,
  CaptureQuery,
  CaptureRequest,
  type CaptureView,
  EntriesPart,
  ProblemSchema,
} from "#contract/api.ts";
import { MAX_ENTRIES_PART_BYTES } from "#contract/format/entry.ts";
import { MAX_UPLOAD_BYTES } from "#contract/format/frame_upload.ts";
import { bytesBody, jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";
import { pageOf, sortedAfter } from "../pages.ts";

/** 65 536 hashes of 32 bytes. */
const MAX_KNOWN_BYTES = 2 << 20;

export function captureRoutes({ captures, templates, orders, live }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/captures", (c) => {
    const query = CaptureQuery.parse(c.req.query());
    const { limit, state, image } = query;
    const keyOf = ({ started, id }: CaptureView) => `${started} ${id}`;
    const found = captures.list().filter((capture) =>
      (state === undefined || capture.state === state) && (image === undefined || capture.image === image)
    );
    return c.json(pageOf(c, sortedAfter(found, query, keyOf), { limit, keyOf }));
  });
  app.get("/captures/:id", (c) => c.json(captures.get(c.req.param("id"))));

  app.post("/captures", async (c) => {
    const request = await jsonBody(c.req, CaptureRequest);
    if (request.template === undefined) return c.json(captures.begin(request, {}));
    return c.json(orders.order(request, { template: templates.get(request.template) }));
  });

  app.delete("/captures/:id", (c) => {
    captures.cancel(c.req.param("id"));
    return c.body(null, 204);
  });

  app.post("/captures/:id/known", async (c) => {
    const hashes = await bytesBody(c.req, { maxBytes: MAX_KNOWN_BYTES });
    const known = captures.known(c.req.param("id"), hashes);
    return c.body(new Uint8Array(known), 200, { "content-type": "application/octet-stream" });
  });

  app.post("/captures/:id/frames", async (c) => {
    await captures.addFrame(c.req.param("id"), await bytesBody(c.req, { maxBytes: MAX_UPLOAD_BYTES }));
    return c.body(null, 204);
  });

  app.post("/captures/:id/progress", async (c) => {
    const id = c.req.param("id");
    captures.progress(id, await jsonBody(c.req, CaptureProgress));
    const template = templates.find(captures.get(id).template ?? "");
    if (template && templates.touch(template.id)) {
      live.publish({ type: "template", template: templates.get(template.id) });
    }
    return c.body(null, 204);
  });

  app.post("/captures/:id/entries/:part", async (c) => {
    const { part } = EntriesPart.parse(c.req.param());
    const body = await bytesBody(c.req, { maxBytes: MAX_ENTRIES_PART_BYTES });
    captures.addEntries(c.req.param("id"), Number(part), body);
    return c.body(null, 204);
  });

  app.put("/captures/:id/entries", async (c) => {
    await captures.endEntries(
      c.req.param("id"),
      await bytesBody(c.req, { maxBytes: MAX_ENTRIES_PART_BYTES }),
    );
    return c.body(null, 204);
  });

  app.post("/captures/:id/failed", async (c) => {
    captures.fail(c.req.param("id"), await jsonBody(c.req, ProblemSchema));
    return c.body(null, 204);
  });
  return app;
}
