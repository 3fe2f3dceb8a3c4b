import assert from "node:assert/strict";
import { type Ipv4, parseMac } from "./address.ts";
import { clientPacket, readServerMessage } from "./client.ts";
import { MESSAGE_TYPE, OPTION } from "./options.ts";
import { type DhcpPacket, encodePacket } from "./packet.ts";

const client = { mac: parseMac("52:54:00:00:00:01"), xid: 0x1234 };

function reply(type: number, more: Partial<DhcpPacket> = {}, options: [number, number[]][] = []): Uint8Array {
  const asked = clientPacket(client);
  return encodePacket({
    ...asked,
    op: "reply",
    yiaddr: "10.0.0.7" as Ipv4,
    ...more,
    options: new Map([
      [OPTION.messageType, Uint8Array.of(type)],
      [OPTION.serverId, Uint8Array.of(10, 0, 0, 1)],
      ...options.map(([code, value]) => [code, Uint8Array.from(value)] as const),
    ]),
  });
}

Deno.test("a client reads offers and leases that are meant for it, and nothing else", () => {
  const read = (bytes: Uint8Array) => readServerMessage(bytes, client);
  const { offer, ack, nak } = MESSAGE_TYPE;
  assert.deepEqual(read(reply(offer)), { kind: "offer", address: "10.0.0.7", serverId: "10.0.0.1" });
  const mask: [number, number[]] = [OPTION.subnetMask, [255, 255, 255, 0]];
  assert.deepEqual(
    read(
      reply(ack, {}, [mask, [OPTION.router, [10, 0, 0, 254]], [OPTION.domainNameServer, [1, 1, 1, 1, 9]]]),
    ),
    {
      kind: "ack",
      lease: { address: "10.0.0.7", netmask: "255.255.255.0", router: "10.0.0.254", dns: ["1.1.1.1"] },
    },
  );
  assert.deepEqual(read(reply(nak, { yiaddr: "0.0.0.0" as Ipv4 })), { kind: "nak" });
  assert.equal(read(reply(ack)), undefined, "a lease without a mask");
  assert.equal(read(reply(offer, { yiaddr: "0.0.0.0" as Ipv4 })), undefined, "proxyDHCP");
  assert.equal(read(reply(offer, { xid: 1 })), undefined);
  assert.equal(read(reply(offer, { op: "request" })), undefined);
  assert.equal(read(reply(offer, { mac: parseMac("52:54:00:00:00:02") })), undefined);
  assert.equal(read(reply(offer).subarray(0, 200)), undefined);
});
