import { Hono } from "hono";
import { getLogger } from "@logtape/logtape";
import { PruneRequest, type VerifyEvent } from "#contract/api.ts";
import { messageOf } from "#contract/errors.ts";
import { ImageSettings } from "#contract/api/restore.ts";
import { shortList } from "../../store/nodes.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

const log = getLogger(["rackseed", "web"]);

export function imageRoutes({ images, fleet, live, bootFile, now }: ApiContext): Hono<Env> {
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
    return new Response(ndjson(images.verify(exact(c.req.param("ref")))), {
      headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
    });
  });

  app.get("/images/:ref/diff/:to", (c) => {
    return c.json([...images.diff(exact(c.req.param("ref")), exact(c.req.param("to")))]);
  });

  app.post("/images/prune", async (c) => {
    const request = await jsonBody(c.req, PruneRequest);
    for (const image of request.images ?? []) images.get(image);
    const assigned = fleet.nodesByVersion();
    const need = (ref: string) => {
      const names = assigned.get(ref);
      return names && `assigned to ${shortList(names)}`;
    };
    const answer = await images.prune(request, { need, nowMs: now() });
    if (answer.applied && answer.removed.length > 0) {
      log.info("images-pruned", { removed: answer.removed.map((v) => `${v.image}@${v.version}`) });
      live.publish({ type: "images" });
    }
    return c.json(answer);
  });

  app.get("/images/:ref/boot/:file", (c) => {
    const { ref, file } = c.req.param();
    const { image, version } = images.get(ref);
    return bootFile(`images/${image}@${version}/${encodeURIComponent(file)}`);
  });

  app.get("/images/:ref/export", (c) => {
    const ref = exact(c.req.param("ref"));
    return new Response(images.exportTar(ref), {
      headers: {
        "content-type": "application/x-tar",
        "content-disposition": `attachment; filename="${ref}.tar"`,
        "cache-control": "no-store",
      },
    });
  });
  return app;

  function exact(ref: string): string {
    const { image, version } = images.get(ref);
    return `${image}@${version}`;
  }
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
