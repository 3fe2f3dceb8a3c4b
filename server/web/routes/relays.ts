import { type Context, Hono } from "hono";
import { API } from "#contract/api.ts";
import { RelayEnrolment, RelayReport } from "#contract/api/sites.ts";
import { RackseedError } from "#contract/errors.ts";
import { handleWebSeed } from "../../swarm/web_seed.ts";
import { jsonBody, keepBody } from "../body.ts";
import { type ApiContext, bearer, type Env, peerAddress } from "../context.ts";

/** Calls of the sites' relays. Each proves itself by its signature, and reaches what is assigned to its site. */
export function relayRoutes({ audit, desk, sites, images, swarm, onSent }: ApiContext): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/relay/enrol", async (c) => {
    const secret = bearer(c);
    sites.expects(secret);
    const signed = await signedRequest(c);
    const { publicKey } = await jsonBody(c.req, RelayEnrolment);
    const site = sites.enrol(secret, { publicKey, ...signed });
    audit.record(
      {
        who: `relay of ${site}`,
        address: peerAddress(c),
        action: "site.enrol",
        nodes: [],
        images: [],
        subject: site,
      },
      { result: "done", status: 200 },
    );
    desk.noteStale("audit", "sites");
    return c.json({ site });
  });

  const siteOf = async (c: Context<Env>): Promise<string> => {
    sites.expectsRelay(c.req.raw.headers);
    const { headers, request } = await signedRequest(c);
    return sites.callerOf(headers, request);
  };

  app.post("/relay/sync", async (c) => {
    const site = await siteOf(c);
    const report = await jsonBody(c.req, RelayReport);
    const offer = sites.sync(site, report, { address: peerAddress(c) });
    desk.noteStale("sites");
    c.header("cache-control", "no-store");
    return c.json(offer);
  });

  app.get("/relay/torrents/:ref", async (c) => {
    const site = await siteOf(c), ref = c.req.param("ref");
    sites.assertAssigned(site, ref);
    const metainfo = await images.metainfo(ref);
    return c.body(new Uint8Array(metainfo), 200, { "content-type": "application/x-bittorrent" });
  });

  app.get("/relay/packs/:ref/:torrent/:file", async (c) => {
    const site = await siteOf(c), ref = c.req.param("ref");
    sites.assertAssigned(site, ref);
    const response = await handleWebSeed(c.req.raw, {
      prefix: `${API}/relay/packs/${encodeURIComponent(ref)}/`,
      lookup: ({ file }) => images.file(ref, file),
      uploadLimit: swarm.uplink,
      onSent: (bytes) => {
        // ends what is under way when the site is revoked
        sites.assertTrusted(site);
        onSent("packs", bytes);
      },
    });
    if (response.status !== 404) return response;
    throw new RackseedError(`cannot send ${c.req.param("file")}`, {
      reason: `it is no file of ${ref}.`,
      remedy: "ask for the files that the torrent names.",
      status: 404,
    });
  });
  return app;
}

/** What a relay signs of its request; the body stays readable. */
async function signedRequest(c: Context<Env>) {
  const { method, url, headers } = c.req.raw;
  const body = method === "GET" ? new Uint8Array() : await keepBody(c.req);
  return { headers, request: { method, url: new URL(url), body } };
}
