import { type Context, Hono } from "hono";
import type { z } from "zod";
import { API, Enrolment, IdentityClaim, InventoryReport, StepReport } from "#contract/api.ts";
import { TpmKeys } from "#contract/api/attestation.ts";
import { SignatureRequest } from "#contract/api/secure_boot.ts";
import { RackseedError } from "#contract/errors.ts";
import { Identity } from "#contract/identity.ts";
import { ExtentRequest } from "#contract/format/extent_answer.ts";
import { systemClock } from "#torrent/system_ports.ts";
import { jsonBody } from "../body.ts";
import { type ApiContext, bearer, type Env, peerAddress } from "../context.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import { handleWebSeed } from "../../swarm/web_seed.ts";
import { NODE_EXTENTS, NODE_PACKS } from "../../fleet/enrolment.ts";

/** Calls of a node's agent. They carry the node's own secret and reach nothing beyond that node's order. */
export function nodeAgentRoutes(
  { fleet: { agents, signatures }, bootBackups, images, swarm: site, swarmAt, onSent }: ApiContext,
): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/node/enrol", async (c) => {
    const secret = bearer(c);
    agents.expects(secret);
    const { inventory, quote, reports = [] } = await jsonBody(c.req, Enrolment);
    const proof = quote && await agents.prove(secret, quote);
    const swarm = swarmAt(new URL(c.req.url).hostname);
    const address = peerAddress(c);
    const order = agents.enrol(secret, { inventory, proof, address, swarm });
    for (const report of reports) agents.report(agents.assignmentOf(order.session), report, { address });
    return c.json(order);
  });

  app.post("/node/attest", async (c) => {
    const secret = bearer(c);
    agents.expects(secret);
    return c.json(agents.attest(secret, await jsonBody(c.req, TpmKeys)));
  });

  /** Reads the body, then looks the assignment up again: it may have been cancelled or replaced meanwhile. */
  const from = async <T extends z.ZodType>(c: Context<Env>, schema: T) => {
    agents.assignmentOf(bearer(c));
    const body = await jsonBody(c.req, schema);
    return { assignment: agents.assignmentOf(bearer(c)), body };
  };

  app.post("/node/inventory", async (c) => {
    const { assignment, body } = await from(c, InventoryReport);
    agents.describe(assignment, body.inventory);
    return c.body(null, 204);
  });

  app.post("/node/report", async (c) => {
    const { assignment, body } = await from(c, StepReport);
    const answer = agents.report(assignment, body, { address: peerAddress(c) });
    if (body.state === "failed") bootBackups.endCapture(assignment.node, body.problem);
    return c.json(answer);
  });

  app.post("/node/identity", async (c) => {
    const { assignment, body } = await from(c, IdentityClaim);
    return c.json(agents.claimIdentity(assignment, body));
  });

  app.post("/node/record", async (c) => {
    const { assignment, body } = await from(c, Identity);
    await agents.recordIdentity(assignment, body);
    return c.body(null, 204);
  });

  app.post("/node/backup", (c) => c.json(bootBackups.beginCapture(agents.assignmentOf(bearer(c)))));
  app.get(
    "/node/backup/:capture",
    (c) => c.json(bootBackups.captureOf(agents.assignmentOf(bearer(c)), c.req.param("capture"))),
  );

  app.get("/node/torrent", async (c) => {
    const { image, version } = agents.installingOf(bearer(c));
    const metainfo = await images.metainfo(`${image}@${version}`);
    return c.body(new Uint8Array(metainfo), 200, { "content-type": "application/x-bittorrent" });
  });

  app.post(NODE_EXTENTS, async (c) => {
    const { image, version } = agents.installingOf(bearer(c));
    const cuts = images.extents(`${image}@${version}`, await jsonBody(c.req, ExtentRequest));
    // an immediate failure becomes an error response, not a broken connection
    const begun = await begin(
      paced(cuts, { uplink: site.uplink, onSent: (bytes) => onSent("extents", bytes) }),
    );
    return c.body(ReadableStream.from(begun), 200, {
      "content-type": "application/octet-stream",
      "cache-control": "no-store",
    });
  });

  app.post("/node/signatures", async (c) => {
    const { body: { digests } } = await from(c, SignatureRequest);
    const installing = agents.installingOf(bearer(c));
    return c.json(await signatures.sign(installing, { digests, address: peerAddress(c) }));
  });

  app.get(`${NODE_PACKS}:torrent/:file`, async (c) => {
    const { image, version } = agents.installingOf(bearer(c));
    const lookup = ({ file }: { file: string }) => images.file(`${image}@${version}`, file);
    const response = await handleWebSeed(c.req.raw, {
      prefix: API + NODE_PACKS,
      lookup,
      uploadLimit: site.uplink,
      onSent: (bytes) => onSent("packs", bytes),
    });
    if (response.status !== 404) return response;
    throw new RackseedError(`cannot send ${c.req.param("file")}`, {
      reason: `it is no file of ${image}@${version}.`,
      remedy: "ask for the files that the torrent names.",
      status: 404,
    });
  });
  return app;
}

/** Waits for the first element, so that a failure there is thrown to the caller. */
async function begin<T>(elements: AsyncGenerator<T>): Promise<AsyncGenerator<T>> {
  const first = await elements.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* elements;
  })();
}

/** Yields chunks at the rate the uplink's limit allows; none is read ahead. */
async function* paced(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { uplink, onSent }: { uplink: RateLimit; onSent: (bytes: number) => void },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const never = new AbortController().signal;
  for await (const chunk of chunks) {
    await systemClock.sleep(uplink.reserve(chunk.length, systemClock.now()), never);
    onSent(chunk.length);
    yield chunk;
  }
}
