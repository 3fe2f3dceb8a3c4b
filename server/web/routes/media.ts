import { type Context, Hono } from "hono";
import { MediumBoot, MediumRequest } from "#contract/api/media.ts";
import { RackseedError } from "#contract/errors.ts";
import { MediumReport } from "#contract/format/medium.ts";
import { adoptInstalled } from "../../fleet/adopt_installed.ts";
import { parseRange } from "../../swarm/web_seed.ts";
import type { BootFile } from "../../fleet/ports.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, bearer, type Env, peerAddress } from "../context.ts";

const CHUNK_BYTES = 256 << 10;

/** Bootable media, and the machines that they start. */
export function mediaRoutes({ media, fleet, images, swarmAt }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/media", async (c) => {
    const request = await jsonBody(c.req, MediumRequest);
    return c.json(await media.make(request, { by: c.get("principal")?.name ?? "" }));
  });
  app.get("/media", (c) => c.json(media.list()));
  app.delete("/media/:medium", (c) => {
    media.revoke(c.req.param("medium"));
    return c.body(null, 204);
  });

  app.post("/media/reports", async (c) => {
    const report = await jsonBody(c.req, MediumReport);
    const swarm = swarmAt(new URL(c.req.url).hostname), by = c.get("principal")?.name;
    return c.json(adoptInstalled(report, { fleet, images, swarm, address: peerAddress(c), by }));
  });

  const send = (c: Context<Env>, file: BootFile): Response => {
    const { sizeBytes } = file, range = parseRange(c.req.header("range") ?? null, sizeBytes);
    if (range === "unsatisfiable") {
      file.close?.();
      return c.body(null, 416, { "content-range": `bytes */${sizeBytes}` });
    }
    const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
    return new Response(streamOf(file, { start, end }), {
      status: range ? 206 : 200,
      headers: {
        "accept-ranges": "bytes",
        "cache-control": "no-store",
        "content-type": "application/octet-stream",
        "content-length": String(end - start + 1),
        ...(range && { "content-range": `bytes ${start}-${end}/${sizeBytes}` }),
      },
    });
  };
  app.get("/media/:medium/image", (c) => send(c, media.image(c.req.param("medium"))));
  app.get(
    "/media/:medium/image/:file",
    (c) => send(c, media.lentImage(c.req.param("medium"), c.req.param("file"))),
  );

  app.post("/node/medium", async (c) => {
    const secret = bearer(c);
    media.expects(secret);
    const { macs } = await jsonBody(c.req, MediumBoot);
    const answer = media.boot(secret, { macs, address: peerAddress(c) });
    return answer === undefined ? c.body(null, 204) : c.json(answer);
  });
  return app;
}

/** Both ends inclusive. Closes the file at the end. */
function streamOf(
  file: BootFile,
  { start, end }: { start: number; end: number },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = start;
  return new ReadableStream({
    pull(controller) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end + 1 - at));
      if (chunk.length === 0) {
        file.close?.();
        return controller.close();
      }
      try {
        if (file.read(at, chunk) < chunk.length) throw shorter();
      } catch (error) {
        file.close?.();
        return controller.error(error);
      }
      at += chunk.length;
      controller.enqueue(chunk);
    },
    cancel: () => file.close?.(),
  });
}

function shorter(): RackseedError {
  return new RackseedError("cannot send the medium", {
    reason: "one of its files has become shorter.",
    remedy: "check the version: rackseed image verify",
    status: 500,
  });
}
