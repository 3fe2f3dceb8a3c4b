/** Every call about sites and of relays, with success. */
import assert from "node:assert/strict";
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { MadeRelay } from "./made_relay.ts";
import type { ServerUnderTest } from "./server_under_test.ts";

/** Needs an image web@2. */
export async function callSites({ client, server }: ServerUnderTest): Promise<void> {
  const site = { site: "paris" }, assignment = { ...site, ref: "web@2" };
  const { token } = await client.call("POST /sites", { body: { name: "paris" } });
  await client.call("PUT /sites/:site/images/:ref", assignment);
  using relay = await MadeRelay.enrol({ server: server.urls.server, token });
  await relay.report();
  const torrent = await relay.client.send("GET", "/relay/torrents/web%402");
  const { info } = parseMetainfo(await torrent.bytes());
  const pack = await relay.client.send("GET", `/relay/packs/web%402/${info.name}/manifest.rsm`);
  assert.ok((await pack.bytes()).length > 0);
  await client.call("GET /sites", {});
  await client.call("GET /sites/:site", site);
  await client.call("GET /sites/:site/events", site);
  await client.call("DELETE /sites/:site/images/:ref", assignment);
  await client.call("POST /sites/:site/token", site);
  await client.call("POST /sites/:site/revoke", site);
  await client.call("DELETE /sites/:site", site);
}
