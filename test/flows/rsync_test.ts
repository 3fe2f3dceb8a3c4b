/** A server's torrents by rsync: one for each published version. */
import assert from "node:assert/strict";
import { NodeView, type Order } from "#contract/api.ts";
import { toHex } from "#torrent/metainfo/hex.ts";
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { fetchByRsync } from "../../agent/install/fetch/rsync_client.ts";
import { fetchTorrent } from "../../agent/install/fetch/torrent_file.ts";
import { RsyncTable } from "../support/rsync_table.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/contract", import.meta.url).pathname;
const { signal } = new AbortController();

Deno.test("an order names its torrent's rsync URL; the agent rejects any other torrent", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  await test.publish("web", { root: SOURCES });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const [token] = await test.deploy(["n1"], { image: "web@1" });
  const { agent, order } = await test.enrol(token);
  using _agent = agent;
  const { rsync } = order.swarm;
  assert.equal(rsync, `rsync://127.0.0.1:${test.server.ports.rsync}/torrents/web@1.torrent`);
  assert.equal(test.server.urls.rsync, `rsync://127.0.0.1:${test.server.ports.rsync}/torrents`);
  const options = { maxBytes: 1e6, signal };
  assert.equal(toHex(parseMetainfo(await fetchByRsync(rsync, options)).infoHash), order.swarm.infoHash);

  const fetched = (changed: Order["swarm"]) =>
    fetchTorrent({ order: { ...order, swarm: changed }, client: agent }, { signal });
  assert.equal((await fetched(order.swarm)).way, "torrent by rsync");
  using liar = new RsyncTable();
  for (const address of [`${test.server.urls.rsync}/web@2.torrent`, `${liar.url}/torrents/web@1.torrent`]) {
    const { metainfo, way } = await fetched({ ...order.swarm, rsync: address });
    assert.equal(toHex(metainfo.infoHash), order.swarm.infoHash);
    assert.match(way, /^torrent over HTTPS, not by rsync: /);
  }

  await test.client.send("DELETE", "/images/web@2");
  await assert.rejects(fetchByRsync(`${test.server.urls.rsync}/web@2.torrent`, options), /No such file/);
});
