import { Hono } from "hono";
import { getLogger } from "@logtape/logtape";
import { ImageQuery, type ImageView, PruneRequest, type VerifyEvent } from "#contract/api.ts";
import { ForceQuery, NoteRequest, TagKey, TagRequest, type VersionUses } from "#contract/api/image_tags.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { ImageSettings } from "#contract/api/restore.ts";
import { encodeMetainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { describeUses, refuseNamed, refuseUsed, usesOfVersions } from "../../fleet/version_users.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";
import { requireMatch, tag } from "../entity_tag.ts";
import { pageOf, sortedAfter } from "../pages.ts";

const log = getLogger(["rackseed", "web"]);

export function imageRoutes(
  { images, fleet, schedules, rehearsals, live, bootFile, swarmAt, now }: ApiContext,
): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/images", (c) => {
    const query = ImageQuery.parse(c.req.query());
    const { limit, image, backupOf } = query;
    // versions of one image in their order
    const keyOf = (version: ImageView) => `${version.image}@${String(version.version).padStart(10, "0")}`;
    const found = images.list().filter((version) =>
      (image === undefined || version.image === image) &&
      (backupOf === undefined || version.backupOf === backupOf)
    );
    return c.json(pageOf(c, sortedAfter(found, query, keyOf), { limit, keyOf }).map(withVerdict));
  });
  app.get("/images/:ref", (c) => c.json(withVerdict(images.get(c.req.param("ref")))));

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
    const ref = c.req.param("ref"), { force } = ForceQuery.parse(c.req.query());
    const version = images.get(ref);
    const isOneOfMany = !ref.includes("@") && images.list().filter(({ image }) => image === ref).length > 1;
    // the store refuses a name that stands for many, and a version that is being deployed
    if (force !== "true" && !isOneOfMany && images.useOf(version) === undefined) {
      refuseUsed(version, uses()(version));
    }
    await images.delete(ref);
    log.info("image-deleted", { image: ref });
    live.publish({ type: "images" });
    return c.body(null, 204);
  });

  app.get("/images/:ref/uses", (c) => c.json(uses()(images.get(c.req.param("ref"))) satisfies VersionUses));

  app.put("/images/:ref/note", async (c) => {
    const { note } = await jsonBody(c.req, NoteRequest);
    const version = images.setNote(c.req.param("ref"), note);
    live.publish({ type: "images" });
    return c.json(version);
  });

  app.put("/images/:name/tags/:tag", async (c) => {
    const { name, tag } = TagKey.parse(c.req.param()), { version } = await jsonBody(c.req, TagRequest);
    const set = images.setTag(name, { tag, version });
    log.info("image-tagged", { ...set });
    live.publish({ type: "images" });
    return c.json(set);
  });

  app.delete("/images/:name/tags/:tag", (c) => {
    const { name, tag } = TagKey.parse(c.req.param()), { force } = ForceQuery.parse(c.req.query());
    const ref = `${name}@${tag}`;
    images.get(ref);
    if (force !== "true") refuseNamed(ref, namers(ref));
    images.removeTag(name, tag);
    log.info("image-untagged", { image: name, tag });
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
    const usesOf = uses();
    const need = ({ image, version }: { image: string; version: number }) => {
      // tags may be overridden
      const found = describeUses(usesOf({ image, version, tags: [] }));
      return found.length > 0 ? found.join("; ") : undefined;
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

  app.get("/images/:ref/torrent", async (c) => {
    const ref = exact(c.req.param("ref"));
    const { info } = parseMetainfo(await images.metainfo(ref));
    // the server may have moved since it was made
    const torrent = encodeMetainfo(info, swarmAt(new URL(c.req.url).hostname));
    return c.body(new Uint8Array(torrent), 200, {
      "content-type": "application/x-bittorrent",
      "content-disposition": `attachment; filename="${ref}.torrent"`,
    });
  });

  app.get("/images/:ref/export", async (c) => {
    const ref = exact(c.req.param("ref"));
    return new Response(await images.exportTar(ref), {
      headers: {
        "content-type": "application/x-tar",
        "content-disposition": `attachment; filename="${ref}.tar"`,
        "cache-control": "no-store",
      },
    });
  });
  return app;

  function withVerdict<T extends ImageView>(version: T): T {
    const rehearsal = rehearsals.verdict(version);
    return rehearsal ? { ...version, rehearsal } : version;
  }

  function uses() {
    return usesOfVersions({ nodes: fleet.versionUsers(), schedules: schedules.list(), images });
  }

  /** Schedules and nodes whose orders name this tag. */
  function namers(ref: string): { schedules: string[]; everyBoot: string[] } {
    return {
      schedules: schedules.list().flatMap(({ name, order }) =>
        "image" in order && order.image === ref ? [name] : []
      ),
      everyBoot: fleet.list().flatMap(({ name, everyBoot }) => everyBoot?.image === ref ? [name] : []),
    };
  }

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
