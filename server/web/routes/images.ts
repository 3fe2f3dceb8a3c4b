import { Hono } from "hono";
import { getLogger } from "@logtape/logtape";
import { ImageQuery, type ImageView, PruneRequest, type VerifyEvent } from "#contract/api.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { ImageSettings } from "#contract/api/restore.ts";
import { shortList } from "../../store/nodes.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";
import { requireMatch, tag } from "../entity_tag.ts";
import { pageOf, sortedAfter } from "../pages.ts";

const log = getLogger(["rackseed", "web"]);

export function imageRoutes({ images, fleet, live, bootFile, now }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/images", (c) => {
    const query = ImageQuery.parse(c.req.query());
    const { limit, image } = query;
    // versions of one image in their order
    const keyOf = (version: ImageView) => `${version.image}@${String(version.version).padStart(10, "0")}`;
    const found = images.list().filter((version) => image === undefined || version.image === image);
    return c.json(pageOf(c, sortedAfter(found, query, keyOf), { limit, keyOf }));
  });
  app.get("/images/:ref", (c) => c.json(images.get(c.req.param("ref"))));

  app.get("/images/:name/settings", (c) => {
    const settings = images.settings(c.req.param("name"));
    tag(c, settings);
    return c.json(settings);
  });
  app.put("/images/:name/settings", async (c) => {
    const name = c.req.param("name"), wanted = await jsonBody(c.req, ImageSettings);
    requireMatch(c, () => images.settings(name));
    const settings = images.set(name, wanted);
    tag(c, settings);
    return c.json(settings);
  });

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

  app.get("/images/:ref/boot/:file", async (c) => {
    const { ref, file } = c.req.param();
    const { image, version } = images.get(ref);
    const response = await bootFile(`images/${image}@${version}/${encodeURIComponent(file)}`);
    if (response.status !== 404) return response;
    throw new RackseedError(`cannot find the boot file ${file}`, {
      reason: `${image}@${version} has none of that name.`,
      remedy: "ask for vmlinuz or initramfs.",
      status: 404,
    });
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
