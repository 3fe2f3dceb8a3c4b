import assert from "node:assert/strict";
import { parseMac } from "../dhcp/address.ts";
import type { BootAnswer } from "../dhcp/boot_client.ts";
import { bytesOfIpv6, ipv6OfBytes, parseIpv6, prefixOf } from "./address.ts";
import { Bindings } from "./bindings.ts";
import {
  decodeIaNa,
  decodeMessage,
  type Dhcp6Options,
  encodeIaNa,
  encodeMessage,
  encodeOptions,
  iaAddress,
  MESSAGE,
  OPTION,
  optionOf,
  u16,
} from "./message.ts";
import { decide, type Dhcp6Policy } from "./policy.ts";
import { unwrap, wrap } from "./relay.ts";
import { type Dhcp6Client, parseRequest } from "./request.ts";

const text = (value: string) => new TextEncoder().encode(value);
const MAC = parseMac("52:54:00:78:00:02"), LINK_LOCAL = parseIpv6("fe80::5054:ff:fe78:2");
const SERVER = parseIpv6("fd00:78::1"), ADDRESS = "fd00:78::5054:ff:fe78:2";
const SERVER_ID = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 1);
const UUID_ID = Uint8Array.of(0, 4, ...Array(16).fill(7));
const prefix = prefixOf(SERVER, 64);
const NONE = new Uint8Array();

type MessageName = keyof typeof MESSAGE;

function message(
  type: MessageName,
  options: Dhcp6Options = [],
  { id = UUID_ID }: { id?: Uint8Array } = {},
): Uint8Array<ArrayBuffer> {
  return encodeMessage({
    type: MESSAGE[type],
    transaction: 0x123456,
    options: [[OPTION.clientId, id], ...options],
  });
}

const association = (iaid: number, ...addresses: string[]) =>
  encodeIaNa({ iaid, options: addresses.map((one) => iaAddress(bytesOfIpv6(parseIpv6(one)), 0)) });
const toServer = [OPTION.serverId, SERVER_ID] as const;
const vendorClass = (name: string) =>
  [OPTION.vendorClass, Uint8Array.of(0, 0, 1, 0x57, ...u16(name.length), ...text(name))] as const;
const iPXE = [OPTION.userClass, Uint8Array.of(0, 4, ...text("iPXE"))] as const;

interface Site {
  readonly boot?: (client: Dhcp6Client) => BootAnswer | undefined;
  readonly answers?: Dhcp6Policy["answers"];
  readonly knows?: Dhcp6Policy["knows"];
  readonly reserved?: string;
}

function server({ boot, answers = () => true, knows = () => true, reserved }: Site = {}) {
  const policy: Dhcp6Policy = {
    prefix,
    serverId: SERVER_ID,
    dns: [SERVER],
    leaseSeconds: 3600,
    answers,
    knows,
    bootOptions: boot ?? (() => undefined),
  };
  const bindings = new Bindings({
    prefix,
    excluded: new Set([SERVER]),
    reserved: () => reserved === undefined ? undefined : parseIpv6(reserved),
  });
  return (bytes: Uint8Array, { nowMs = 0, source = LINK_LOCAL } = {}) => {
    const decision = decide(parseRequest(bytes, source), { policy, bindings, nowMs });
    if (decision.kind === "silent") return decision.why;
    const { type, transaction, options } = decodeMessage(encodeMessage(decision.answer));
    assert.equal(transaction, 0x123456);
    const leases = options.filter(([code]) => code === OPTION.iaNa).map(([, value]) => {
      const inner = decodeIaNa(value).options;
      const status = optionOf(inner, OPTION.statusCode);
      if (status !== undefined) return `status ${status[1]}`;
      return inner.map(([, lease]) => {
        const seconds = new DataView(lease.buffer, lease.byteOffset).getUint32(20);
        return `${ipv6OfBytes(lease.slice(0, 16))} ${seconds}`;
      }).join();
    });
    return { type, options, leases, status: optionOf(options, OPTION.statusCode)?.[1] };
  };
}

/** The answer that must be one. */
function answered(outcome: ReturnType<ReturnType<typeof server>>): Exclude<typeof outcome, string> {
  assert.ok(typeof outcome !== "string", `silent: ${outcome}`);
  return outcome;
}

Deno.test("firmware, iPXE and the agent of one NIC get the same address, whatever identifier they have", () => {
  const ask = server();
  for (const id of [UUID_ID, Uint8Array.of(0, 3, 0, 1, 9, 9, 9, 9, 9, 9)]) {
    const { type, leases } = answered(ask(message("solicit", [association(7)], { id })));
    assert.deepEqual([type, leases], [MESSAGE.advertise, [`${ADDRESS} 3600`]]);
  }
  const request = answered(ask(message("request", [toServer, association(7, ADDRESS)])));
  assert.deepEqual([request.type, request.leases], [MESSAGE.reply, [`${ADDRESS} 3600`]]);
});

Deno.test("a client whose MAC address is hidden is known by its identifier", () => {
  const ask = server(), hidden = { source: parseIpv6("fe80::1234:5678:9abc:def0") };
  const solicit = (id: Uint8Array) =>
    answered(ask(message("solicit", [association(1)], { id }), hidden)).leases[0];
  const mine = solicit(UUID_ID);
  assert.match(mine ?? "", /^fd00:78::/);
  assert.equal(solicit(UUID_ID), mine);
  assert.notEqual(solicit(Uint8Array.of(0, 4, ...Array(16).fill(8))), mine);
  assert.equal(solicit(Uint8Array.of(0, 3, 0, 1, 0x52, 0x54, 0, 0x78, 0, 2)), `${ADDRESS} 3600`, "DUID-LL");
  const llt = Uint8Array.of(0, 1, 0, 1, 1, 2, 3, 4, 0x52, 0x54, 0, 0x78, 0, 2);
  assert.equal(solicit(llt), `${ADDRESS} 3600`, "DUID-LLT");
});

Deno.test("rapid commit is answered at once, a second association with a status, a stranger with a short lease", () => {
  const rapid = answered(
    server()(message("solicit", [[OPTION.rapidCommit, NONE], association(1), association(2)])),
  );
  assert.equal(rapid.type, MESSAGE.reply);
  assert.ok(optionOf(rapid.options, OPTION.rapidCommit));
  assert.deepEqual(rapid.leases, [`${ADDRESS} 3600`, "status 2"]);
  const stranger = answered(server({ knows: () => false })(message("solicit", [association(1)])));
  assert.deepEqual(stranger.leases, [`${ADDRESS} 300`]);
});

Deno.test("a node gets its own address, and loses the one that it had before", () => {
  const ask = server({ reserved: "fd00:78::5" });
  assert.deepEqual(answered(ask(message("solicit", [association(1)]))).leases, ["fd00:78::5 3600"]);
  const renew = answered(ask(message("renew", [toServer, association(1, ADDRESS)])));
  assert.deepEqual(renew.leases, [`fd00:78::5 3600,${ADDRESS} 0`]);
});

Deno.test("the server's own address is nobody else's, and a declined one is given to nobody for a day", () => {
  const own = answered(server({ reserved: SERVER })(message("solicit", [association(1)])));
  assert.deepEqual(own.leases, [`${ADDRESS} 3600`]);
  const ask = server();
  assert.equal(answered(ask(message("decline", [toServer, association(1, ADDRESS)]))).status, 0);
  const [other = ""] = answered(ask(message("solicit", [association(1)]))).leases;
  assert.match(other, /^fd00:78::/);
  assert.notEqual(other, `${ADDRESS} 3600`);
  assert.deepEqual(answered(ask(message("solicit", [association(1)]), { nowMs: 90_000_000 })).leases, [
    `${ADDRESS} 3600`,
  ]);
});

Deno.test("what is another server's business gets no answer", () => {
  const ask = server(), other = [OPTION.serverId, Uint8Array.of(0, 3, 0, 1, 9, 9, 9, 9, 9, 9)] as const;
  const cases: [MessageName, Dhcp6Options, string][] = [
    ["request", [other, association(1, ADDRESS)], "other-server"],
    ["renew", [other, association(1, ADDRESS)], "other-server"],
    ["release", [other, association(1, ADDRESS)], "other-server"],
    ["decline", [other, association(1, ADDRESS)], "other-server"],
    ["request", [association(1, ADDRESS)], "no-server"],
    ["solicit", [toServer, association(1)], "other-server"],
    ["rebind", [association(1, "fd00:78::99")], "not-its-own"],
    ["confirm", [association(1)], "not-its-own"],
    ["informationRequest", [other], "other-server"],
  ];
  for (const [type, options, why] of cases) assert.equal(ask(message(type, options)), why, type);
  assert.equal(server({ answers: () => false })(message("solicit", [association(1)])), "not-answered");
});

Deno.test("confirm, rebind and release are answered by the link, without a record", () => {
  const ask = server();
  assert.equal(answered(ask(message("confirm", [association(1, ADDRESS)]))).status, 0);
  assert.equal(answered(ask(message("confirm", [association(1, "fd00:99::1")]))).status, 4);
  assert.deepEqual(answered(ask(message("rebind", [association(1, ADDRESS)]))).leases, [`${ADDRESS} 3600`]);
  const moved = answered(ask(message("rebind", [association(1, "fd00:99::1")])));
  assert.deepEqual(moved.leases, [`${ADDRESS} 3600,fd00:99::1 0`]);
  assert.equal(answered(ask(message("release", [toServer, association(1, ADDRESS)]))).status, 0);
});

Deno.test("a boot file is a URL that another option follows; HTTP clients get their class back", () => {
  const boot = () => ({ file: "http://[fd00:78::1]:8080/boot/snponly.efi" });
  const ask = server({ boot });
  const http = answered(
    ask(message("solicit", [vendorClass("HTTPClient:Arch:00016:UNDI:003001"), association(1)])),
  );
  const codes = http.options.map(([code]) => code);
  assert.equal(new TextDecoder().decode(optionOf(http.options, OPTION.bootFileUrl)), boot().file);
  assert.equal(codes[0], OPTION.bootFileUrl, "edk2 reads it up to the next zero byte");
  assert.deepEqual(optionOf(http.options, OPTION.vendorClass), vendorClass("HTTPClient")[1]);
  assert.deepEqual(optionOf(http.options, OPTION.preference), Uint8Array.of(255));
  const pxe = answered(
    ask(message("solicit", [vendorClass("PXEClient:Arch:00007:UNDI:003016"), association(1)])),
  );
  assert.equal(optionOf(pxe.options, OPTION.vendorClass), undefined);
  const stateless = answered(ask(encodeMessage({ type: 11, transaction: 0x123456, options: [] })));
  assert.equal(stateless.type, MESSAGE.reply);
  assert.ok(
    optionOf(stateless.options, OPTION.bootFileUrl) && optionOf(stateless.options, OPTION.dnsServers),
  );
});

Deno.test("clients are told apart: firmware by class and architecture, iPXE, a system", () => {
  const arch = (code: number) => [OPTION.clientArchitecture, Uint8Array.of(...u16(code))] as const;
  const cases: [Dhcp6Options, Partial<Dhcp6Client>][] = [
    [[vendorClass("PXEClient:Arch:00007"), arch(7)], {
      pxe: true,
      http: false,
      ipxe: false,
      arch: "uefi-x64",
    }],
    [[vendorClass("HTTPClient"), arch(16)], { pxe: true, http: true, ipxe: false, arch: "uefi-x64" }],
    [[arch(19)], { pxe: true, http: true, ipxe: false, arch: "uefi-arm64" }],
    [[iPXE, arch(7)], { pxe: true, http: false, ipxe: true, arch: "uefi-x64" }],
    [[], { pxe: false, http: false, ipxe: false, arch: "unknown" }],
  ];
  for (const [options, expected] of cases) {
    const { client } = parseRequest(message("solicit", options), LINK_LOCAL);
    const { pxe, http, ipxe, arch } = client;
    assert.deepEqual({ pxe, http, ipxe, arch }, expected);
    assert.equal(client.mac, MAC);
  }
});

Deno.test("through relays: the client's link decides, its MAC address is the relay's word, the way back is the same", () => {
  const relay = (inner: Uint8Array, { link = "::", peer = "fe80::9", more = [] as Dhcp6Options } = {}) =>
    Uint8Array.of(
      ...[MESSAGE.relayForward, 0, ...bytesOfIpv6(parseIpv6(link)), ...bytesOfIpv6(parseIpv6(peer))],
      ...encodeOptions([...more, [OPTION.relayMessage, inner]]),
    );
  const hardware = [OPTION.clientLinkLayerAddress, Uint8Array.of(0, 1, 0x52, 0x54, 0, 0x78, 0, 2)] as const;
  const port = [OPTION.interfaceId, text("port 7")] as const;
  const solicit = message("solicit", [association(1)]);
  const inner = relay(solicit, { link: "fd00:78::fe", more: [hardware, port] });
  const outer = relay(inner, { link: "fd00:1::1", peer: "fd00:78::fe" });
  const ask = server();
  assert.deepEqual(answered(ask(outer)).leases, [`${ADDRESS} 3600`]);
  assert.equal(ask(relay(solicit, { link: "fd00:9::1" })), "foreign-link");
  const { hops } = unwrap(outer), answer = message("advertise");
  const back = wrap(answer, hops);
  assert.equal(back[0], MESSAGE.relayReply);
  const between = optionOf(decodeRelay(back), OPTION.relayMessage) ?? NONE;
  assert.deepEqual(optionOf(decodeRelay(between), OPTION.interfaceId), text("port 7"));
  assert.deepEqual(optionOf(decodeRelay(between), OPTION.relayMessage), answer);
  let deep: Uint8Array = solicit;
  for (let i = 0; i < 9; i++) deep = relay(deep);
  assert.throws(() => unwrap(deep), /more than 8 relays/);
});

function decodeRelay(bytes: Uint8Array): Dhcp6Options {
  return decodeMessage(Uint8Array.of(0, 0, 0, 0, ...bytes.subarray(34))).options;
}

Deno.test("malformed messages are refused", () => {
  const cases: [Uint8Array, RegExp][] = [
    [Uint8Array.of(1, 0, 0), /too few/],
    [Uint8Array.of(1, 0, 0, 0, 0, 1, 0, 9, 1), /runs past the end/],
    [Uint8Array.of(1, 0, 0, 0, 0, 1, 0), /has no length/],
    [Uint8Array.of(1, 0, 0, 0), /no client identifier/],
    [Uint8Array.of(2, 0, 0, 0), /do not send message type 2/],
    [message("solicit", [], { id: new Uint8Array(200) }), /identifier of 200 bytes/],
    [message("solicit", [[OPTION.iaNa, new Uint8Array(11)]]), /IA_NA is too short/],
    [message("solicit", Array(129).fill([8, NONE])), /more than 128 options/],
    [Uint8Array.of(12, ...new Uint8Array(32)), /relay's message is too short/],
    [Uint8Array.of(12, ...new Uint8Array(33)), /carries none/],
  ];
  for (const [bytes, reason] of cases) assert.throws(() => parseRequest(bytes, LINK_LOCAL), reason);
});
