/** The files of versions: folders, entries, searches, contents, and what differs between two versions. */
import { type Context, Hono } from "hono";
import {
  ChangeKind,
  DiffFolderQuery,
  type FilePath,
  FindQuery,
  FolderQuery,
  PathQuery,
} from "#contract/api/files.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { type BytePath, confinedPath, fromJsonPath } from "#contract/format/byte_path.ts";
import type { ApiContext, Env } from "../context.ts";
import { keyBefore, pageOf } from "../pages.ts";

/** Rows of a page that names no limit: a folder can have a million. */
const PAGE_ROWS = 1000;

export function fileRoutes({ images, files, closing }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/images/:ref/files", async (c) => {
    const query = FolderQuery.parse(c.req.query()), { limit = PAGE_ROWS } = query;
    const found = await files.list(refOf(c), pathOf(query), { after: keyBefore(query) });
    return c.json(pageOf(c, found, { limit, keyOf: ({ path }) => lastPart(path) }));
  });

  app.get("/images/:ref/find", async (c) => {
    const { name, limit, ...query } = FindQuery.parse(c.req.query());
    return c.json(await files.find(refOf(c), pathOf(query), { name, limit, signal: closing }));
  });

  app.get("/images/:ref/file", async (c) => {
    const path = pathOf(PathQuery.parse(c.req.query()));
    return c.json(await files.details(refOf(c), path));
  });

  app.get("/images/:ref/content", async (c) => {
    const wanted = pathOf(PathQuery.parse(c.req.query()));
    const { path, sizeBytes, bytes } = await files.content(refOf(c), wanted);
    // the first piece before the answer begins, so that a damaged copy is told with its status
    const first = await bytes.next();
    async function* all() {
      if (!first.done) yield first.value;
      yield* bytes;
    }
    return new Response(ReadableStream.from(all()), {
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(sizeBytes),
        "content-disposition": attachment(path),
        "cache-control": "no-store",
      },
    });
  });

  app.get("/images/:ref/diff/:to", async (c) => {
    const changes = await files.changes(refOf(c), refOf(c, "to"));
    async function* json() {
      let before = "[";
      for await (const change of changes) {
        yield before + JSON.stringify(change);
        before = ",";
      }
      yield before === "[" ? "[]" : "]";
    }
    return new Response(ReadableStream.from(json()).pipeThrough(new TextEncoderStream()), {
      headers: { "content-type": "application/json" },
    });
  });

  app.get("/images/:ref/diff/:to/folder", async (c) => {
    const query = DiffFolderQuery.parse(c.req.query()), { limit = PAGE_ROWS, kinds } = query;
    const folder = await files.diffFolder({
      from: refOf(c),
      to: refOf(c, "to"),
      path: pathOf(query),
      kinds: kinds?.split(",").map((kind) => ChangeKind.parse(kind)),
      after: keyBefore(query) as BytePath | undefined,
    });
    const rows = pageOf(c, folder.rows, { limit, keyOf: ({ path }) => fromJsonPath(path) });
    return c.json({ ...folder, rows });
  });

  app.get("/images/:ref/diff/:to/text", async (c) => {
    const path = pathOf(PathQuery.parse(c.req.query()));
    c.header("cache-control", "no-store");
    return c.json(await files.diffText({ from: refOf(c), to: refOf(c, "to"), path }));
  });
  return app;

  function refOf(c: Context<Env>, parameter = "ref"): string {
    const { image, version } = images.get(c.req.param(parameter) ?? "");
    return `${image}@${version}`;
  }
}

/** Throws RackseedError (400) if it is no path within an image. */
function pathOf({ path, path64 }: PathQuery): BytePath {
  const given = path64 === undefined ? path ?? "" : { base64: path64 };
  try {
    if (path !== undefined && path64 !== undefined) throw new RangeError("both path and path64 are given");
    const found = fromJsonPath(given).replace(/^\/+|\/+$/g, "");
    return confinedPath(found as BytePath);
  } catch (error) {
    throw new RackseedError("cannot find this path in an image", {
      reason: `${messageOf(error)}.`,
      remedy: "name a path below the image's root, such as etc/hosts, without . or .. in it.",
      status: 400,
    });
  }
}

/** The bytes of the name, one character each. */
function lastPart(path: FilePath): string {
  const bytes = fromJsonPath(path);
  return bytes.slice(bytes.lastIndexOf("/") + 1);
}

/** RFC 6266: the name in ASCII, and as it is for those that understand it (RFC 8187). */
function attachment(path: BytePath): string {
  const name = lastPart({ base64: Buffer.from(path, "latin1").toString("base64") });
  const plain = name.replace(/[^\w.@+ -]/g, "_");
  const encoded = name.replace(
    /[^\w.-]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
