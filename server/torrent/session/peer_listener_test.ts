import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { encodeHandshake } from "../wire/handshake.ts";
import { type Introduction, PeerListener } from "./peer_listener.ts";

const HOST = "127.0.0.1";
const HASH = new Uint8Array(20).fill(7);
const HANDSHAKE = encodeHandshake({ infoHash: HASH, peerId: HASH, fast: true, extended: true });

for (const [what, addresses] of [["one address", 1], ["a dozen addresses", 12]] as const) {
  Deno.test(`300 silent connections from ${what} do not keep a peer out`, async () => {
    using peers = PeerListener.listen({ hostname: HOST, port: 0 });
    using held = new DisposableStack();
    const joined = Promise.withResolvers<Introduction>();
    peers.register(HASH, joined.resolve);
    for (let i = 0; i < 300; i++) {
      const socket = net.connect({
        host: HOST,
        port: peers.port,
        localAddress: `127.0.1.${1 + i % addresses}`,
      });
      held.defer(() => void socket.destroy());
      socket.on("error", () => {});
      await once(socket, "connect");
    }
    using peer = await Deno.connect({ hostname: HOST, port: peers.port });
    const start = performance.now();
    await peer.write(HANDSHAKE);
    const { connection } = await joined.promise;
    assert.ok(performance.now() - start < 8000);
    connection.close();
  });
}
