/** Nodes are installed from HTTP servers alone, while the server's own seeder is off: caches, an OCI registry. */
import assert from "node:assert/strict";
import { type CacheName, CACHES, HttpCache } from "../support/http_caches.ts";
import { DockerRegistry, registryNeeds } from "../support/docker_registry.ts";
import { needs } from "../support/needs.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { CONTENT, installAll, NODES, publish, sentBy } from "./support/installed_nodes.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { pushed } from "./support/transfers.ts";

for (const name of Object.keys(CACHES) as CacheName[]) {
  Deno.test({
    name: `eight nodes are installed from ${name} alone, to which the server sends each byte once`,
    ...needs({ root: name === "squid", files: [CACHES[name].path] }),
    fn: async () => {
      await using test = await ServerUnderTest.start({ settings: { seeder: "off" } });
      await publish(test);
      await using origin = new TcpProxy(new URL(test.server.urls.http));
      await using cache = await HttpCache.start(name, origin.url);
      await test.restartWith({ webSeed: [cache.url], httpPort: test.server.ports.http });
      origin.received = 0;
      await installAll(test);
      const copies = origin.received / CONTENT.length;
      console.log(`the server sent ${copies.toFixed(3)} copies to ${name}`);
      assert.ok(copies >= 1 && copies < 1.03, `${copies} copies`);
    },
  });
}

Deno.test({
  name: "eight nodes are installed from an OCI registry alone",
  ...needs(registryNeeds),
  fn: async () => {
    await using registry = await DockerRegistry.start();
    await using line = new TcpProxy(new URL(`http://${registry.name}`));
    const repository = { registry: line.url.host, repository: "site/web" };
    const settings = { seeder: "off", metricsOpen: true, registrySeed: repository } as const;
    await using test = await ServerUnderTest.start({ settings });
    await publish(test);
    await pushed(test.client, "web", `${line.url.host}/site/web:1`);
    line.received = 0;
    await installAll(test);
    const copies = line.received / CONTENT.length;
    console.log(`the registry sent ${copies.toFixed(2)} copies to ${NODES.length} nodes`);
    assert.ok(copies >= 1 && copies < NODES.length - 1, `${copies} copies`);
    assert.ok(await sentBy(test) < 1 << 20, `${await sentBy(test)} bytes came from the server`);
  },
});
