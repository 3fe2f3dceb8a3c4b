import assert from "node:assert/strict";
import { parseIpv4 } from "./address.ts";
import { OPTION } from "./options.ts";
import { encodeReplyOptions } from "./reply_options.ts";

const serverId = parseIpv4("10.0.0.1");

Deno.test("each option is encoded as its RFC says, and undefined ones are left out", () => {
  const options = encodeReplyOptions({
    messageType: "offer",
    serverId,
    leaseSeconds: 3600,
    router: undefined,
    dns: ["10.0.0.2", "10.0.0.3"].map(parseIpv4),
    mtu: 9000,
    bootFile: "a",
  }, new Map());
  assert.deepEqual([...options], [
    [OPTION.messageType, Uint8Array.of(2)],
    [OPTION.serverId, Uint8Array.of(10, 0, 0, 1)],
    [OPTION.leaseTime, Uint8Array.of(0, 0, 0x0e, 0x10)],
    [OPTION.domainNameServer, Uint8Array.of(10, 0, 0, 2, 10, 0, 0, 3)],
    [OPTION.interfaceMtu, Uint8Array.of(0x23, 0x28)],
    [OPTION.bootFile, Uint8Array.of(0x61, 0)],
  ]);
  assert.equal(encodeReplyOptions({ messageType: "ack", serverId, dns: [] }, new Map()).size, 2);
});

Deno.test("a reply echoes the client's identifiers, its subnet and the relay's option, and nothing else", () => {
  const echoed = [OPTION.clientId, OPTION.clientUuid, OPTION.subnetSelection, OPTION.relayAgent];
  const request = new Map([...echoed, OPTION.vendorClass, OPTION.userClass]
    .map((code): [number, Uint8Array] => [code, Uint8Array.of(code)]));
  const options = encodeReplyOptions({ messageType: "nak", serverId }, request);
  assert.deepEqual([...options.keys()].slice(2), echoed);
  assert.deepEqual(options.get(OPTION.relayAgent), Uint8Array.of(OPTION.relayAgent));
});
