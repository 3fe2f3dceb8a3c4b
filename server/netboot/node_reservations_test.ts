import assert from "node:assert/strict";
import { parseIpv4, parseMac } from "../../boot/dhcp/address.ts";
import { memoryLeaseStore } from "../../boot/dhcp/testing/memory_lease_store.ts";
import { Leases } from "../../boot/dhcp/leases.ts";
import { decide } from "../../boot/dhcp/policy.ts";
import { parseRequest } from "../../boot/dhcp/request.ts";
import { MESSAGE_TYPE } from "../../boot/dhcp/options.ts";
import { clientPacket } from "../../test/support/dhcp_packets.ts";
import { parseIpv6, prefixOf } from "../../boot/dhcp6/address.ts";
import { reservations6Of, reservationsOf } from "./node_reservations.ts";
import { Nodes } from "../store/nodes.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const MAC = "52:54:00:00:00:01";
const network = {
  address: parseIpv4("10.0.0.1"),
  netmask: parseIpv4("255.255.255.0"),
  range: { first: parseIpv4("10.0.0.100"), last: parseIpv4("10.0.0.199") },
  leaseSeconds: 3600,
};

const FROM_RANGE = /^10\.0\.0\.1\d\d$/;
const CASES: [what: string, settings: Parameters<Nodes["put"]>[1], offered: RegExp][] = [
  ["off", { address: "off" }, FROM_RANGE],
  ["dhcp", { address: "dhcp" }, FROM_RANGE],
  ["not set", {}, FROM_RANGE],
  ["fixed", { address: "10.0.0.5/24" }, /^10\.0\.0\.5$/],
  ["fixed in the server's network by a longer prefix", { address: "10.0.0.5/28" }, /^10\.0\.0\.5$/],
  ["fixed in another network", { address: "192.168.7.5/24" }, FROM_RANGE],
  ["the server's own", { address: "10.0.0.1/24" }, FROM_RANGE],
  ["the broadcast address", { address: "10.0.0.255/16" }, FROM_RANGE],
  ["IPv6 on a further card only", {
    interfaces: [{
      kind: "ethernet",
      mac: "52:54:00:00:00:02",
      addresses: ["2001:db8::5/64"],
      gateways: [],
      dns: [],
    }],
  }, FROM_RANGE],
];

for (const [what, settings, offered] of CASES) {
  Deno.test(`a node whose address is ${what} gets an offer`, () => {
    const nodes = new Nodes(emptyDatabase(), { now: () => 0 });
    nodes.put("n1", { mac: MAC, ...settings });
    const reservations = reservationsOf(nodes, network);
    const leases = new Leases(memoryLeaseStore(), {
      range: network.range,
      excluded: new Set(),
      isReserved: (address) => reservations.isReserved(address),
    });
    const policy = {
      network,
      reservations,
      answers: () => true,
      knows: () => true,
      bootOptions: () => undefined,
    };
    const request = parseRequest(clientPacket({ type: MESSAGE_TYPE.discover, mac: parseMac(MAC) }));
    const decision = decide(request, { policy, leases, nowMs: 0 });
    assert.ok(decision.kind === "offer");
    assert.match(decision.reply.yiaddr, offered);
  });
}

Deno.test("by IPv6, a node gets the address of the server's network that its clone has on this NIC", () => {
  const nodes = new Nodes(emptyDatabase(), { now: () => 0 });
  const addresses = ["10.0.0.5/24", "2001:db8::5/64", "FD00:1:0::5/64"];
  nodes.put("n1", {
    mac: MAC,
    interfaces: [{ kind: "ethernet", mac: MAC, addresses, gateways: [], dns: [] }],
  });
  const reserved = reservations6Of(nodes, prefixOf(parseIpv6("fd00:1::1"), 64));
  assert.equal(reserved(parseMac(MAC)), "fd00:1::5");
  assert.equal(reserved(parseMac("52:54:00:00:00:02")), undefined);
  assert.equal(reservations6Of(nodes, prefixOf(parseIpv6("fd00:2::1"), 64))(parseMac(MAC)), undefined);
});
