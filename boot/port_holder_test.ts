import assert from "node:assert/strict";
import { portError, portHolder, socketInodes } from "./port_holder.ts";

const TABLE =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0
  cut
`;

Deno.test("TCP counts only listeners on the port; UDP counts every socket", () => {
  assert.deepEqual(socketInodes(TABLE, { protocol: "tcp", port: 8080 }), ["111"]);
  assert.deepEqual(socketInodes(TABLE, { protocol: "udp", port: 8080 }), ["111", "222"]);
  assert.deepEqual(socketInodes(TABLE, { protocol: "tcp", port: 80 }), []);
});

Deno.test("the holder of a TCP or UDP port is found, with its command line", () => {
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  try {
    for (
      const name of [
        { protocol: "tcp", port: tcp.addr.port } as const,
        { protocol: "udp", port: (udp.addr as Deno.NetAddr).port } as const,
      ]
    ) {
      const holder = portHolder(name);
      assert.equal(holder?.pid, Deno.pid);
      assert.match(holder.command, /deno/);
    }
  } finally {
    udp.close();
  }
});

Deno.test("the error for a busy port names the program that holds it", () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assert.throws(
    () => {
      try {
        Deno.listen({ hostname: "127.0.0.1", port }).close();
      } catch (error) {
        throw portError({ protocol: "tcp", port }, { action: "serve the page", error });
      }
    },
    {
      title: "cannot serve the page",
      reason: new RegExp(`TCP port ${port} is held by process ${Deno.pid} `),
    },
  );
});
