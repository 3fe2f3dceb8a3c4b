import assert from "node:assert/strict";
import { parseMac } from "../dhcp/address.ts";
import { bytesOfIpv6, parseIpv6 } from "./address.ts";
import { clientMessage, readServerMessage } from "./client.ts";
import {
  type Dhcp6Options,
  encodeIaNa,
  encodeMessage,
  iaAddress,
  MESSAGE,
  OPTION,
  optionOf,
} from "./message.ts";
import { parseRequest } from "./request.ts";

const client = { mac: parseMac("52:54:00:78:00:02"), transaction: 77 };
const SERVER_ID = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 1);
const lease = encodeIaNa({ iaid: 1, options: [iaAddress(bytesOfIpv6(parseIpv6("fd00::7")), 60)] });

Deno.test("the client solicits as one that boots from the network, then requests of the server that it chose", () => {
  const solicit = parseRequest(encodeMessage(clientMessage(client)), parseIpv6("fe80::1"));
  assert.deepEqual([solicit.intent, solicit.client.pxe, solicit.client.mac], ["solicit", true, client.mac]);
  const request = parseRequest(encodeMessage(clientMessage(client, SERVER_ID)), parseIpv6("fe80::1"));
  assert.equal(request.intent, "request");
  assert.deepEqual(optionOf(request.message.options, OPTION.serverId), SERVER_ID);
  assert.equal(optionOf(request.message.options, OPTION.rapidCommit), undefined);
});

Deno.test("only an answer with an address for this client counts", () => {
  const id = optionOf(clientMessage(client).options, OPTION.clientId) ?? new Uint8Array();
  const read = (type: number, options: Dhcp6Options, transaction = 77) =>
    readServerMessage(encodeMessage({ type, transaction, options }), client);
  const whole: Dhcp6Options = [[OPTION.clientId, id], [OPTION.serverId, SERVER_ID], lease];
  assert.deepEqual(read(MESSAGE.advertise, whole), { kind: "advertise", serverId: SERVER_ID });
  assert.deepEqual(read(MESSAGE.reply, whole), { kind: "reply", address: "fd00::7" });
  assert.equal(read(MESSAGE.reply, whole, 78), undefined);
  assert.equal(read(MESSAGE.solicit, whole), undefined);
  for (let i = 0; i < whole.length; i++) assert.equal(read(MESSAGE.reply, whole.toSpliced(i, 1)), undefined);
  const other: Dhcp6Options = [[OPTION.clientId, SERVER_ID], ...whole.slice(1)];
  assert.equal(read(MESSAGE.reply, other), undefined);
  assert.equal(readServerMessage(Uint8Array.of(7, 0), client), undefined);
});
