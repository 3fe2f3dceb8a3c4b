import { Hono } from "hono";
import { getLogger } from "@logtape/logtape";
import { PowerChanges, PowerRequest, type PowerResult } from "#contract/api/power.ts";
import { messageOf } from "#contract/errors.ts";
import { jsonBody } from "../body.ts";
import type { ApiContext, Env } from "../context.ts";

const log = getLogger(["rackseed", "web"]);

/** Switching nodes on and off. */
export function powerRoutes({ fleet, power, closing }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();
  app.put("/power", async (c) => {
    const changes = await jsonBody(c.req, PowerChanges);
    return c.json(power.set(changes).map(({ id }) => fleet.get(id)));
  });
  app.post("/power", async (c) => {
    const results = power.act(await jsonBody(c.req, PowerRequest), closing);
    return new Response(ndjson(results), {
      headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
    });
  });
  return app;
}

function ndjson(results: AsyncIterable<PowerResult>): ReadableStream<Uint8Array> {
  async function* lines() {
    try {
      for await (const result of results) yield `${JSON.stringify(result)}\n`;
    } catch (error) {
      log.error("power-failed", { error: messageOf(error) });
      throw error;
    }
  }
  return ReadableStream.from(lines()).pipeThrough(new TextEncoderStream());
}
