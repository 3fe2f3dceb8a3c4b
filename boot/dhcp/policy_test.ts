import assert from "node:assert/strict";
import { type ClientPacket, clientPacket } from "../../test/support/dhcp_packets.ts";
import { type Ipv4, parseIpv4, parseMac } from "./address.ts";
import type { BootAnswer, BootClient } from "./boot_client.ts";
import { memoryLeaseStore } from "./testing/memory_lease_store.ts";
import { Leases } from "./leases.ts";
import { MESSAGE_TYPE, OPTION } from "./options.ts";
import { decodePacket, encodePacket } from "./packet.ts";
import { decide, type Decision, type DhcpPolicy } from "./policy.ts";
import { parseRequest } from "./request.ts";

const ip = parseIpv4;
const SERVER = "10.0.0.1";
const A = "52:54:00:00:00:0a";
const B = "52:54:00:00:00:0b";
const BROADCAST = { hostname: "255.255.255.255", port: 68 };
const network = {
  address: ip(SERVER),
  netmask: ip("255.255.255.0"),
  range: { first: ip("10.0.0.100"), last: ip("10.0.0.101") },
  gateway: ip("10.0.0.254"),
  dns: [ip("10.0.0.2"), ip("10.0.0.3")],
  leaseSeconds: 3600,
};

interface Site {
  readonly reserved?: Readonly<Record<string, string>>;
  readonly answers?: (client: BootClient) => boolean;
  readonly knows?: (client: BootClient) => boolean;
  readonly boot?: (client: BootClient) => BootAnswer | undefined;
  readonly network?: DhcpPolicy["network"];
}

/** A server whose clock stays at 0 unless a packet gives a time. */
function server(site: Site = {}) {
  const reserved = new Map(Object.entries(site.reserved ?? {}).map(([mac, address]) => [mac, ip(address)]));
  const isReserved = (address: Ipv4) => [...reserved.values()].includes(address);
  const policy: DhcpPolicy = {
    network: site.network ?? network,
    reservations: { addressOf: (mac) => reserved.get(mac), isReserved },
    answers: site.answers ?? (() => true),
    knows: site.knows ?? (() => true),
    bootOptions: site.boot ?? (() => undefined),
  };
  const leases = new Leases(memoryLeaseStore(), {
    range: policy.network.range,
    excluded: new Set(),
    isReserved,
  });
  const ask = (packet: ClientPacket, nowMs = 0): Decision => {
    const decision = decide(parseRequest(clientPacket(packet)), { policy, leases, nowMs });
    // Every decision can be encoded, and decodes to the same.
    if (decision.kind !== "silent") {
      assert.deepEqual(decodePacket(encodePacket(decision.reply)), decision.reply);
    }
    return decision;
  };
  const lease = (mac: string, nowMs = 0): string => {
    const offered = addressOf(ask({ type: MESSAGE_TYPE.discover, mac }, nowMs));
    const select = { type: MESSAGE_TYPE.request, mac, requested: offered, serverId: SERVER };
    assert.equal(addressOf(ask(select, nowMs)), offered);
    return offered;
  };
  return { ask, lease, leases, reserved };
}

function addressOf(decision: Decision): string {
  assert.ok(decision.kind === "offer" || decision.kind === "ack", JSON.stringify(decision));
  return decision.reply.yiaddr;
}

function why(decision: Decision): string {
  assert.equal(decision.kind, "silent");
  return (decision as Decision & { kind: "silent" }).why;
}

Deno.test("a client is offered an address with all options, and gets it", () => {
  const { ask } = server();
  const offer = ask({ type: MESSAGE_TYPE.discover, mac: A, xid: 7 });
  assert.ok(offer.kind === "offer");
  assert.deepEqual(offer.to, BROADCAST);
  assert.deepEqual({ op: offer.reply.op, xid: offer.reply.xid, mac: offer.reply.mac }, {
    op: "reply",
    xid: 7,
    mac: A,
  });
  assert.deepEqual(
    [...offer.reply.options],
    [
      [OPTION.messageType, Uint8Array.of(MESSAGE_TYPE.offer)],
      [OPTION.serverId, Uint8Array.of(10, 0, 0, 1)],
      [OPTION.leaseTime, Uint8Array.of(0, 0, 14, 16)],
      [OPTION.subnetMask, Uint8Array.of(255, 255, 255, 0)],
      [OPTION.router, Uint8Array.of(10, 0, 0, 254)],
      [OPTION.domainNameServer, Uint8Array.of(10, 0, 0, 2, 10, 0, 0, 3)],
    ],
  );
  const ack = ask({ type: MESSAGE_TYPE.request, mac: A, requested: offer.reply.yiaddr, serverId: SERVER });
  assert.deepEqual([ack.kind, addressOf(ack)], ["ack", offer.reply.yiaddr]);
});

Deno.test("a client that chose another server gets no answer, and its offer is free again", () => {
  const { ask } = server({ network: { ...network, range: { ...network.range, last: network.range.first } } });
  ask({ type: MESSAGE_TYPE.discover, mac: A });
  const other = { type: MESSAGE_TYPE.request, mac: A, requested: "10.0.0.50", serverId: "10.0.0.9" };
  assert.equal(why(ask(other)), "other-server");
  assert.equal(
    addressOf(ask({ type: MESSAGE_TYPE.discover, mac: B, requested: "10.0.0.100" })),
    "10.0.0.100",
  );
});

Deno.test("a REQUEST that names nothing accepts the last offer, and is ignored without one", () => {
  const { ask } = server();
  assert.equal(why(ask({ type: MESSAGE_TYPE.request, mac: A })), "no-record");
  const offered = addressOf(ask({ type: MESSAGE_TYPE.discover, mac: A }));
  assert.equal(addressOf(ask({ type: MESSAGE_TYPE.request, mac: A })), offered);
});

Deno.test("INIT-REBOOT: confirms the client's own address, refuses another or a foreign one, ignores a stranger", () => {
  const { ask, lease } = server();
  const address = lease(A);
  const reboot = (mac: string, requested: string) => ask({ type: MESSAGE_TYPE.request, mac, requested });
  assert.equal(addressOf(reboot(A, address)), address);
  assert.equal(reboot(A, "10.0.0.55").kind, "nak");
  assert.equal(reboot(B, "192.168.7.7").kind, "nak");
  assert.equal(why(reboot(B, "10.0.0.100")), "no-record");
});

Deno.test("RENEWING and REBINDING: extends and answers at the client's address, or refuses by broadcast", () => {
  const { ask, lease, leases } = server();
  const address = lease(A);
  const renewed = ask({ type: MESSAGE_TYPE.request, mac: A, ciaddr: address }, 1_800_000);
  assert.ok(renewed.kind === "ack");
  assert.deepEqual(renewed.to, { hostname: address, port: 68 });
  assert.equal(leases.of(parseMac(A))?.expiresAtMs, 1_800_000 + 3_600_000);
  const refused = ask({ type: MESSAGE_TYPE.request, mac: B, ciaddr: address }, 1_800_000);
  assert.ok(refused.kind === "nak");
  assert.deepEqual(refused.to, BROADCAST);
  assert.equal(refused.reply.ciaddr, "0.0.0.0");
});

Deno.test("a client without a record keeps its address if that is free", () => {
  assert.equal(
    addressOf(server().ask({ type: MESSAGE_TYPE.request, mac: A, ciaddr: "10.0.0.101" })),
    "10.0.0.101",
  );
});

Deno.test("a DECLINE quarantines the address and the next offer is another; a stranger's has no effect", () => {
  const { ask, lease } = server();
  const address = lease(A);
  const decline = { type: MESSAGE_TYPE.decline, requested: address, serverId: SERVER };
  assert.equal(why(ask({ ...decline, mac: B })), "not-its-own");
  assert.equal(why(ask({ ...decline, mac: A })), "declined");
  assert.notEqual(addressOf(ask({ type: MESSAGE_TYPE.discover, mac: A })), address);
});

Deno.test("a RELEASE frees the address; a DISCOVER on a full pool gets no answer", () => {
  const { ask, lease } = server();
  const [address] = [lease(A), lease(B)];
  const C = "52:54:00:00:00:0c";
  assert.equal(why(ask({ type: MESSAGE_TYPE.discover, mac: C })), "exhausted");
  assert.equal(
    why(ask({ type: MESSAGE_TYPE.release, mac: A, ciaddr: address, serverId: SERVER }, 1)),
    "released",
  );
  assert.equal(addressOf(ask({ type: MESSAGE_TYPE.discover, mac: C }, 2)), address);
});

Deno.test("an INFORM from an address of another network gets no answer: the address may be a victim's", () => {
  assert.equal(why(server().ask({ type: MESSAGE_TYPE.inform, mac: A, ciaddr: "192.0.2.1" })), "foreign-link");
});

Deno.test("an INFORM is answered at its address, without address and lease time", () => {
  const ack = server().ask({ type: MESSAGE_TYPE.inform, mac: A, ciaddr: "10.0.0.60" });
  assert.ok(ack.kind === "ack");
  assert.deepEqual(ack.to, { hostname: "10.0.0.60", port: 68 });
  assert.equal(ack.reply.yiaddr, "0.0.0.0");
  assert.equal(ack.reply.options.has(OPTION.leaseTime), false);
});

const relayOption = (...subOptions: [code: number, value: Uint8Array][]): [number, Uint8Array] => [
  OPTION.relayAgent,
  Uint8Array.from(subOptions.flatMap(([code, value]) => [code, value.length, ...value])),
];
const circuit: [number, Uint8Array] = [1, new TextEncoder().encode("ge-1/0/1.0:43")];
const link = (address: string): [number, Uint8Array] => [5, Uint8Array.from(address.split("."), Number)];
const subnet = (address: string): [number, Uint8Array] => [
  OPTION.subnetSelection,
  Uint8Array.from(address.split("."), Number),
];

const LINKS: [what: string, packet: Partial<ClientPacket>, answered: boolean][] = [
  ["a relay on another link that selects this one", {
    giaddr: "192.168.9.1",
    options: [relayOption(circuit, link("10.0.0.0"))],
  }, true],
  ["a relay on this link that selects another one", {
    giaddr: "10.0.0.253",
    options: [relayOption(circuit, link("10.9.0.0"))],
  }, false],
  [
    "a relay on another link that selects none",
    { giaddr: "192.168.9.1", options: [relayOption(circuit)] },
    false,
  ],
  ["a relay whose link selection has a wrong length", {
    giaddr: "10.0.0.253",
    options: [relayOption([5, Uint8Array.of(10, 9)])],
  }, true],
  ["a relay whose option is cut off", {
    giaddr: "10.0.0.253",
    options: [[OPTION.relayAgent, Uint8Array.of(1, 200, 5, 4)]],
  }, true],
  ["a client that selects this subnet through a foreign relay", {
    giaddr: "192.168.9.1",
    options: [subnet("10.0.0.0")],
  }, true],
  ["a client that selects another subnet", { options: [subnet("10.9.0.0")] }, false],
  ["a relay's link selection before a client's subnet selection", {
    giaddr: "192.168.9.1",
    options: [subnet("10.9.0.0"), relayOption(link("10.0.0.0"))],
  }, true],
];

for (const [what, packet, answered] of LINKS) {
  Deno.test(`${what} is ${answered ? "answered at the relay, with its options echoed" : "not answered"}`, () => {
    const decision = server().ask({ type: MESSAGE_TYPE.discover, mac: A, ...packet });
    if (!answered) return assert.equal(why(decision), "foreign-link");
    assert.ok(decision.kind === "offer");
    assert.equal(decision.to.hostname, packet.giaddr);
    for (const [code, value] of packet.options ?? []) {
      assert.deepEqual(decision.reply.options.get(code), value);
    }
    const bytes = [...encodePacket(decision.reply).subarray(240)];
    const relayed = [...packet.options ?? []].find(([code]) => code === OPTION.relayAgent)?.[1];
    if (relayed) {
      const last = bytes.slice(0, bytes.lastIndexOf(OPTION.end)).slice(-relayed.length);
      assert.deepEqual(last, [...relayed], "the relay's option must be the last one");
    }
  });
}

Deno.test("a relay's server identifier override is used in answers, and accepted in its clients' requests", () => {
  const { ask } = server();
  const override: [number, Uint8Array] = [11, Uint8Array.of(10, 0, 0, 253)];
  const relay = { giaddr: "10.0.0.253", options: [relayOption(override)] };
  const offer = ask({ type: MESSAGE_TYPE.discover, mac: A, ...relay });
  assert.ok(offer.kind === "offer");
  assert.deepEqual(offer.reply.options.get(OPTION.serverId), override[1]);
  const select = { type: MESSAGE_TYPE.request, mac: A, requested: offer.reply.yiaddr };
  assert.equal(ask({ ...select, serverId: "10.0.0.253", ...relay }).kind, "ack");
  assert.equal(why(ask({ ...select, serverId: "10.0.0.253" })), "other-server");
});

Deno.test("an unknown machine gets a lease for only five minutes", () => {
  const { ask, leases } = server({ knows: ({ mac }) => mac === A });
  for (const [mac, seconds] of [[A, 3600], [B, 300]] as const) {
    const requested = addressOf(ask({ type: MESSAGE_TYPE.discover, mac }));
    const ack = ask({ type: MESSAGE_TYPE.request, mac, requested, serverId: SERVER });
    assert.ok(ack.kind === "ack");
    const leaseTime = ack.reply.options.get(OPTION.leaseTime);
    assert.ok(leaseTime);
    assert.equal(new DataView(leaseTime.buffer).getUint32(0), seconds);
    assert.equal(leases.of(parseMac(mac))?.expiresAtMs, seconds * 1000);
  }
});

Deno.test("a relay gets the answer at port 67 with its option echoed, and a NAK with the broadcast flag", () => {
  const { ask } = server();
  const agent: [number, Uint8Array] = [OPTION.relayAgent, Uint8Array.of(1, 2, 3)];
  const offer = ask({ type: MESSAGE_TYPE.discover, mac: A, giaddr: "10.0.0.253", options: [agent] });
  assert.ok(offer.kind === "offer");
  assert.deepEqual(offer.to, { hostname: "10.0.0.253", port: 67 });
  assert.deepEqual([offer.reply.giaddr, offer.reply.options.get(OPTION.relayAgent)], [
    "10.0.0.253",
    agent[1],
  ]);
  const nak = ask({ type: MESSAGE_TYPE.request, mac: A, requested: "192.168.7.7", giaddr: "10.0.0.253" });
  assert.ok(nak.kind === "nak");
  assert.deepEqual([nak.to.hostname, nak.reply.broadcast], ["10.0.0.253", true]);
});

Deno.test("a client on a link outside the range gets no answer", () => {
  assert.equal(why(server().ask({ type: MESSAGE_TYPE.discover, giaddr: "10.9.0.1" })), "foreign-link");
  const remote = server({ network: { ...network, address: ip("10.9.0.1") } });
  assert.equal(why(remote.ask({ type: MESSAGE_TYPE.discover })), "foreign-link");
  assert.equal(remote.ask({ type: MESSAGE_TYPE.discover, giaddr: "10.0.0.253" }).kind, "offer");
});

Deno.test("a reserved address goes to its machine and to no other", () => {
  const { ask } = server({ reserved: { [A]: "10.0.0.101" } });
  const wanted = { type: MESSAGE_TYPE.discover, requested: "10.0.0.101" };
  assert.equal(addressOf(ask({ ...wanted, mac: B })), "10.0.0.100");
  assert.equal(addressOf(ask({ type: MESSAGE_TYPE.discover, mac: A })), "10.0.0.101");
  assert.equal(
    ask({ type: MESSAGE_TYPE.request, mac: B, requested: "10.0.0.101", serverId: SERVER }).kind,
    "nak",
  );
});

Deno.test("a machine given a reservation keeps its address while it runs, and moves at its next start", () => {
  const { ask, lease, reserved } = server();
  const address = lease(A);
  reserved.set(A, ip("10.0.0.7"));
  assert.equal(addressOf(ask({ type: MESSAGE_TYPE.request, mac: A, ciaddr: address })), address);
  assert.equal(ask({ type: MESSAGE_TYPE.request, mac: A, requested: address }).kind, "nak");
  assert.equal(lease(A), "10.0.0.7");
});

Deno.test("a client that the policy does not answer has no effect", () => {
  const { ask, leases } = server({ answers: ({ pxe }) => pxe });
  assert.equal(why(ask({ type: MESSAGE_TYPE.discover, mac: A })), "not-answered");
  assert.equal(leases.offered(parseMac(A), 0), undefined);
});

Deno.test("a PXE client gets file and server, no option 43 or 60, and its identifiers echoed", () => {
  const echoed: [number, Uint8Array][] = [
    [OPTION.clientId, Uint8Array.of(1, 2)],
    [OPTION.clientUuid, new Uint8Array(17)],
  ];
  const options: [number, Uint8Array][] = [
    [OPTION.vendorClass, new TextEncoder().encode("PXEClient:Arch:00000")],
    [OPTION.clientArchitecture, Uint8Array.of(0, 0)],
    ...echoed,
  ];
  const { ask } = server({
    boot: ({ arch }) => ({ file: arch === "bios" ? "undionly.kpxe" : "snponly.efi" }),
  });
  const offer = ask({ type: MESSAGE_TYPE.discover, mac: A, options });
  assert.ok(offer.kind === "offer");
  assert.deepEqual([offer.reply.file, offer.reply.siaddr], ["undionly.kpxe", SERVER]);
  for (const code of [OPTION.vendorSpecific, OPTION.vendorClass, OPTION.bootFile]) {
    assert.equal(offer.reply.options.has(code), false);
  }
  for (const [code, value] of echoed) assert.deepEqual(offer.reply.options.get(code), value);
});

Deno.test("the MTU is for systems that ask for it, and not for firmware or iPXE", () => {
  const { ask } = server({ network: { ...network, mtu: 9000 } });
  const asks: [number, Uint8Array] = [
    OPTION.parameterList,
    Uint8Array.of(OPTION.subnetMask, OPTION.interfaceMtu),
  ];
  const ipxe = new TextEncoder().encode("iPXE");
  const cases: [who: string, options: [number, Uint8Array][], mtu: Uint8Array | undefined][] = [
    ["a system", [asks], Uint8Array.of(0x23, 0x28)],
    ["a system that does not ask", [], undefined],
    ["firmware", [asks, [OPTION.clientArchitecture, Uint8Array.of(0, 7)]], undefined],
    ["iPXE", [asks, [OPTION.userClass, ipxe]], undefined],
  ];
  for (const [who, options, mtu] of cases) {
    const offer = ask({ type: MESSAGE_TYPE.discover, mac: A, options });
    assert.ok(offer.kind === "offer");
    assert.deepEqual(offer.reply.options.get(OPTION.interfaceMtu), mtu, who);
  }
});

Deno.test("an HTTP client gets class HTTPClient and a URL; a long one goes into option 67 with a closing NUL", () => {
  const options: [number, Uint8Array][] = [[OPTION.clientArchitecture, Uint8Array.of(0, 16)]];
  const short = "http://10.0.0.1/boot/ipxe.efi";
  const long = `http://10.0.0.1/${"x".repeat(200)}`;
  for (const [url, file, option] of [[short, short, undefined], [long, "", `${long}\0`]] as const) {
    const { ask } = server({ boot: () => ({ file: url, nextServer: ip("10.0.0.5") }) });
    const offer = ask({ type: MESSAGE_TYPE.discover, mac: A, options });
    assert.ok(offer.kind === "offer");
    assert.deepEqual([offer.reply.file, offer.reply.siaddr], [file, "10.0.0.5"]);
    const text = (code: number) => {
      const value = offer.reply.options.get(code);
      return value && new TextDecoder().decode(value);
    };
    assert.deepEqual([text(OPTION.vendorClass), text(OPTION.bootFile)], ["HTTPClient", option]);
  }
});

Deno.test("an InfiniBand client is answered with its own header and identifier, on the whole link", () => {
  const guid = [0x00, 0x02, 0xc9, 0x03, 0x00, 0x00, 0x10, 0x39];
  const id = Uint8Array.of(255, 0, 0, 0, 0, 0, 2, 0, 0, 2, 0xc9, 0, ...guid);
  const sent = {
    ...clientPacket({ type: MESSAGE_TYPE.discover, broadcast: true, options: [[OPTION.clientId, id]] }),
    infiniband: new Uint8Array(),
  };
  const request = parseRequest(decodePacket(encodePacket(sent)));
  const policy: DhcpPolicy = {
    network,
    reservations: {
      addressOf: (mac) => mac === "00:02:c9:00:10:39" ? ip("10.0.0.50") : undefined,
      isReserved: (address) => address === "10.0.0.50",
    },
    answers: () => true,
    knows: () => true,
    bootOptions: () => undefined,
  };
  const leases = new Leases(memoryLeaseStore(), {
    range: network.range,
    excluded: new Set(),
    isReserved: policy.reservations.isReserved,
  });
  const decision = decide(request, { policy, leases, nowMs: 0 });
  assert.ok(decision.kind === "offer");
  assert.deepEqual(decision.to, BROADCAST);
  const reply = decodePacket(encodePacket(decision.reply));
  assert.deepEqual([reply.yiaddr, reply.infiniband, reply.broadcast], ["10.0.0.50", new Uint8Array(), true]);
  assert.deepEqual(reply.options.get(OPTION.clientId), id);
});
