import { Hono } from "hono";
import { getLogger } from "@logtape/logtape";
import type { VerifyEvent } from "#contract/api.ts";
import { messageOf } from "#contract/errors.ts";
import { ImageSettings } from "#contract/restore.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

const log = getLogger(["rackseed", "web"]);

export function imageRoutes({ images, live }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/images", (c) => c.json(images.list()));
  app.get("/images/:ref", (c) => c.json(images.get(c.req.param("ref"))));

  app.get("/images/:name/settings", (c) => c.json(images.settings(c.req.param("name"))));
  app.put(
    "/images/:name/settings",
    async (c) => c.json(images.set(c.req.param("name"), await jsonBody(c.req, ImageSettings))),
  );

  app.delete("/images/:ref", async (c) => {
    const ref = c.req.param("ref");
    await images.delete(ref);
    log.info("image-deleted", { image: ref });
    live.publish({ type: "images" });
    return c.body(null, 204);
  });

  app.post("/images/:ref/verify", (c) => {
    const { image, version } = images.get(c.req.param("ref"));
    return new Response(ndjson(images.verify(`${image}@${version}`)), {
      headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
    });
  });

  app.get("/images/:ref/export", (c) => {
    const { image, version } = images.get(c.req.param("ref"));
    return new Response(images.exportTar(`${image}@${version}`), {
      headers: {
        "content-type": "application/x-tar",
        "content-disposition": `attachment; filename="${image}@${version}.tar"`,
        "cache-control": "no-store",
      },
    });
  });
  return app;
}

function ndjson(events: AsyncIterable<VerifyEvent>): ReadableStream<Uint8Array> {
  async function* lines() {
    try {
      for await (const event of events) yield `${JSON.stringify(event)}\n`;
    } catch (error) {
      log.error("verify-failed", { error: messageOf(error) });
      throw error;
    }
  }
  return ReadableStream.from(lines()).pipeThrough(new TextEncoderStream());
}
