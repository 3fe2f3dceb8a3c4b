/** A relay beside its upstream: trust, mirroring, a site that goes on alone, what the upstream knows afterwards. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { API, VersionView } from "#contract/api.ts";
import type { SiteView, UpstreamView } from "#contract/api/sites.ts";
import { signatureHeaders } from "#contract/relay_signature.ts";
import type { ServerOptions } from "../../server/cli/server_options.ts";
import { openDatabase } from "../../server/store/database.ts";
import { UpstreamTable } from "../../server/store/upstream.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait_for.ts";
import { CONTENT, installAll, NODES, publish } from "./support/installed_nodes.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

/** The relay's settings, with a fresh token of this site. */
async function tokenOf(upstream: ServerUnderTest, site: string): Promise<string> {
  const known = (await upstream.client.call("GET /sites", {})).some(({ name }) => name === site);
  const { token } = known
    ? await upstream.client.call("POST /sites/:site/token", { site })
    : await upstream.client.call("POST /sites", { body: { name: site } });
  const path = await Deno.makeTempFile({ dir: upstream.folder });
  await Deno.writeTextFile(path, `${token}\n`);
  return path;
}

function until<T>(what: string, test: () => Promise<T | undefined>): Promise<T> {
  return waitFor(what, test, { timeoutMs: 120_000, everyMs: 50 });
}

/** Waits until the relay's view of its upstream is so. */
function untilUpstream(
  relay: ServerUnderTest,
  holds: (view: UpstreamView) => boolean,
): Promise<UpstreamView> {
  return until("the relay", async () => {
    const view = await relay.client.call("GET /upstream", {});
    return holds(view) ? view : undefined;
  });
}

/** Waits until the upstream's view of the site is so. */
function untilSite(upstream: ServerUnderTest, holds: (view: SiteView) => boolean): Promise<SiteView> {
  return until("the site", async () => {
    const view = await upstream.client.call("GET /sites/:site", { site: "paris" });
    return holds(view) ? view : undefined;
  });
}

const isReady = ({ mirror }: Pick<UpstreamView, "mirror">) =>
  mirror.length > 0 && mirror.every(({ state }) => state === "ready");

Deno.test("a site mirrors, deploys eight nodes and reconciles, with its line cut half way of each", async (t) => {
  await using upstream = await ServerUnderTest.start();
  await publish(upstream);
  await upstream.client.call("PUT /images/:name/tags/:tag", {
    name: "web",
    tag: "stable",
    body: { version: 1 },
  });
  await using line = new TcpProxy(new URL(upstream.server.urls.server));
  const upstreamTokenFile = await tokenOf(upstream, "paris");
  await upstream.client.call("PUT /sites/:site/images/:ref", { site: "paris", ref: "web@stable" });
  const settings: Partial<ServerOptions> = {
    upstream: new URL(`https://127.0.0.1:${line.url.port}`),
    upstreamTokenFile,
    upstreamRate: 8 << 20,
  };
  await using relay = await ServerUnderTest.start({ settings });
  const original = await upstream.client.get("/images/web", VersionView);

  await t.step("the line is cut half way of the mirror: nothing is visible; then it is resumed", async () => {
    await until("half of it", () => Promise.resolve(line.received > 6 << 20 || undefined));
    line.isDown = true;
    const { problem, mirror } = await untilUpstream(relay, (view) => view.problem !== undefined);
    assert.match(problem?.title ?? "", /cannot reach the server/);
    assert.ok((mirror[0]?.doneBytes ?? 0) > 0);
    await assert.rejects(relay.client.get("/images/web", VersionView), { status: 404 });
    // a power cut of the relay on top
    await relay.restart(() => Promise.resolve(void (line.isDown = false)));
    await untilUpstream(relay, isReady);
    const copies = line.received / CONTENT.length;
    console.log(`the line carried ${copies.toFixed(2)} copies`);
    assert.ok(copies < 1.5, `${copies} copies`);
  });

  await t.step("the mirrored version is the upstream's, and read-only", async () => {
    const { id, infoHash, tags, mirrored } = await relay.client.get("/images/web", VersionView);
    assert.deepEqual([id, infoHash, tags, mirrored], [original.id, original.infoHash, ["stable"], true]);
    await assert.rejects(relay.client.send("DELETE", "/images/web@1"), { status: 409 });
    await assert.rejects(relay.client.send("DELETE", "/images/web/tags/stable"), { status: 409 });
    await assert.rejects(relay.publish("web", { root: upstream.folder }), { status: 409 });
    const exact = { site: "paris", ref: "web@1" };
    await upstream.client.call("PUT /sites/:site/images/:ref", exact);
    await assert.rejects(upstream.client.send("DELETE", "/images/web@1?force=true"), { status: 409 });
    await upstream.client.call("DELETE /sites/:site/images/:ref", exact);
  });

  await t.step("the line is cut half way of a deployment: all eight nodes are installed", async () => {
    await installAll(relay, {
      during: async () => {
        await untilSite(upstream, ({ nodes }) => (nodes.installing ?? 0) > 0);
        line.isDown = true;
      },
    });
    const { queued } = await untilUpstream(relay, (view) => view.problem !== undefined);
    assert.ok(queued > 0);
  });

  await t.step("afterwards the upstream knows each result, once", async () => {
    // what waits is kept over a restart
    await relay.restart(() => Promise.resolve(void (line.isDown = false)));
    await untilUpstream(relay, ({ queued, heard }) => queued === 0 && heard !== undefined);
    const site = await untilSite(upstream, ({ nodes }) => nodes.installed === 8);
    assert.equal(site.state, "active");
    assert.deepEqual(site.assigned, [{ ref: "web@stable", version: "web@1" }]);
    const events = await upstream.client.call("GET /sites/:site/events", {
      site: "paris",
      query: { limit: 500 },
    });
    const deployed = events.filter(({ event }) => event.kind === "deployment");
    assert.deepEqual(deployed.map(({ node }) => node).sort(), NODES);
    assert.ok(deployed.every(({ event }) => event.result === "done" && event.image === "web@1"));
  });

  await t.step("a tag is followed, and what nothing needs any more is deleted", async () => {
    await Deno.writeTextFile(`${upstream.folder}/tree/more`, "more");
    await upstream.publish("web", { root: `${upstream.folder}/tree` });
    line.received = 0;
    const tag = { name: "web", tag: "stable" };
    await upstream.client.call("PUT /images/:name/tags/:tag", { ...tag, body: { version: 2 } });
    await untilUpstream(relay, (view) => view.mirror[0]?.version === 2 && isReady(view));
    assert.ok(line.received < 2 << 20, `${line.received} bytes for a version that shares its packs`);
    // its nodes have web@1, so that stays
    const versions = async () => (await relay.client.call("GET /images", {})).map(({ version }) => version);
    assert.deepEqual(await versions(), [1, 2]);
    for (const node of NODES) await relay.client.send("DELETE", `/nodes/${node}`);
    await until("web@1 to go", async () => (await versions()).length === 1 || undefined);
    assert.deepEqual(await versions(), [2]);
    const verified = await relay.client.send("POST", "/images/web/verify");
    assert.match(await verified.text(), /"damaged":0/);
  });
});

Deno.test("a token enrols one relay, and a relay that was revoked gets nothing more", async () => {
  await using upstream = await ServerUnderTest.start();
  await publish(upstream, CONTENT.subarray(0, 1 << 20));
  const upstreamTokenFile = await tokenOf(upstream, "paris");
  await upstream.client.call("PUT /sites/:site/images/:ref", { site: "paris", ref: "web" });
  const settings = { upstream: new URL(upstream.server.urls.server), upstreamTokenFile };
  await using relay = await ServerUnderTest.start({ settings });
  await untilUpstream(relay, isReady);

  // a second relay with a copy of the token is not let in
  await using thief = await ServerUnderTest.start({ settings });
  const refused = await untilUpstream(thief, ({ problem }) => problem !== undefined);
  assert.match(refused.problem?.detail ?? "", /another relay has enrolled/);

  // whatever the stolen machine signs
  let privateKey = "";
  await relay.restart(() => {
    using db = openDatabase(`${relay.data}/rackseed.db`);
    privateKey = new UpstreamTable(db).get()?.privateKey ?? "";
    return Promise.resolve();
  });
  assert.equal(createPrivateKey(privateKey).asymmetricKeyType, "ed25519");
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${upstream.data}/tls/ca.pem`)] });
  const headers = (path: string) => {
    const url = new URL(API + path, upstream.server.urls.server);
    const request = { method: "GET", url, body: new Uint8Array() };
    return { url, headers: signatureHeaders(request, { privateKey, nowMs: Date.now() }) };
  };
  const status = async ({ url, headers }: { url: URL; headers: Record<string, string> }) => {
    const response = await fetch(url, { headers, client });
    await response.body?.cancel();
    return response.status;
  };
  const torrent = headers("/relay/torrents/web%401");
  assert.equal(await status(torrent), 200);
  assert.equal(await status(torrent), 401, "the same request a second time");
  assert.equal(
    await status({ ...headers("/relay/torrents/web%401"), url: new URL(`${torrent.url}?x`) }),
    401,
  );

  await upstream.client.call("POST /sites/:site/revoke", { site: "paris" });
  assert.equal(await status(headers("/relay/torrents/web%401")), 403);
  await untilUpstream(relay, ({ problem }) => problem?.status === 403);
  await Deno.writeTextFile(`${upstream.folder}/tree/more`, "more");
  await upstream.publish("web", { root: `${upstream.folder}/tree` });
  const site = await upstream.client.call("GET /sites/:site", { site: "paris" });
  assert.equal(site.state, "revoked");
  // it serves what it has
  assert.equal((await relay.client.get("/images/web", VersionView)).version, 1);
  assert.ok(
    (await relay.client.call("GET /notices", {})).some(({ subject }) => subject.startsWith("upstream")),
  );

  // a new token makes it the site's relay again, with another key
  await relay.restartWith({ upstreamTokenFile: await tokenOf(upstream, "paris") });
  await untilUpstream(relay, (view) => isReady(view) && view.mirror[0]?.version === 2);
  assert.equal(await status(headers("/relay/torrents/web%402")), 401);
  const actions = (await upstream.client.call("GET /audit", {})).entries.map(({ action }) => action);
  for (const action of ["site.add", "site.assign", "site.enrol", "site.revoke", "site.token"]) {
    assert.ok(actions.includes(action), action);
  }
});
