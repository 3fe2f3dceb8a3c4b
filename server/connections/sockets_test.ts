import assert from "node:assert/strict";
import { waitFor } from "../../test/support/wait_for.ts";
import { connectionKey, OwnSockets } from "./sockets.ts";

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`a connection to ${hostname} is found, measured and ended`, async () => {
    using listener = Deno.listen({ hostname, port: 0 });
    const localPort = listener.addr.port;
    using far = await Deno.connect({ hostname, port: localPort });
    using near = await listener.accept();
    using sockets = new OwnSockets({ most: 4096 });
    const found = sockets.list(new Set([localPort]));
    const remote = near.remoteAddr as Deno.NetAddr;
    assert.deepEqual(found.map(({ key }) => key), [connectionKey({ localPort, ...remote })]);
    assert.equal(found[0]?.address, hostname);
    const { fd } = found[0]!;
    await far.write(new Uint8Array(1000));
    await near.read(new Uint8Array(2000));
    assert.equal(sockets.traffic(fd)?.receivedBytes, 1000);
    await near.write(new Uint8Array(500));
    await far.read(new Uint8Array(2000));
    await near.write(new Uint8Array(1));
    await far.read(new Uint8Array(1));
    assert.ok((sockets.traffic(fd)?.acknowledgedBytes ?? 0) >= 500);
    assert.equal(sockets.listensOn(sockets.listener(localPort) ?? -1, localPort), true);
    sockets.end(fd, { drop: false });
    assert.equal(await far.read(new Uint8Array(1)), null);
    assert.equal(await near.read(new Uint8Array(1)), null, "its owner reads the end and can close it");
  });
}

Deno.test("a client that does not read has unacknowledged bytes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using far = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const near = await listener.accept();
  using sockets = new OwnSockets({ most: 4096 });
  const writing = (async () => {
    for (;;) await near.write(new Uint8Array(1 << 20));
  })();
  const { fd } = sockets.list(new Set([listener.addr.port]))[0]!;
  await waitFor("bytes under way", () => sockets.traffic(fd)?.isSending);
  sockets.end(fd, { drop: true });
  await assert.rejects(writing);
  near.close();
  await assert.rejects((async () => {
    while (await far.read(new Uint8Array(1 << 20)) !== null);
  })());
});
