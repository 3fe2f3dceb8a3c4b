import assert from "node:assert/strict";
import fc from "fast-check";
import { clientPacket } from "../../test/support/dhcp_packets.ts";
import { ipv4OfBytes, macOfBytes } from "./address.ts";
import { DhcpFormatError, MESSAGE_TYPE, OPTION, readOptions, writeOptions } from "./options.ts";
import { decodePacket, type DhcpPacket, encodePacket } from "./packet.ts";

const address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(ipv4OfBytes);
/** Latin-1 without NUL. */
const text = (maxLength: number) =>
  fc.array(fc.integer({ min: 1, max: 255 }), { maxLength }).map((codes) => String.fromCharCode(...codes));
const options = fc.uniqueArray(
  fc.tuple(
    fc.integer({ min: 1, max: 254 }).filter((code) => code !== OPTION.overload),
    fc.uint8Array({ maxLength: 600 }).map((bytes) => new Uint8Array(bytes)),
  ),
  { maxLength: 12, selector: ([code]) => code },
).map((entries) => new Map(entries));

const packets: fc.Arbitrary<DhcpPacket> = fc.record({
  op: fc.constantFrom("request", "reply"),
  hops: fc.nat(255),
  xid: fc.nat(0xffffffff),
  secs: fc.nat(0xffff),
  broadcast: fc.boolean(),
  ciaddr: address,
  yiaddr: address,
  siaddr: address,
  giaddr: address,
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map(macOfBytes),
  sname: text(63),
  file: text(127),
  options,
}, { noNullPrototype: true });

Deno.test("a packet decodes to what was encoded, including options over 255 bytes", () => {
  fc.assert(fc.property(packets, (packet) => assert.deepEqual(decodePacket(encodePacket(packet)), packet)));
});

Deno.test("decoding arbitrary bytes returns a packet or throws a DhcpFormatError", () => {
  const valid = encodePacket(clientPacket({ type: MESSAGE_TYPE.discover }));
  const mutated = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 })
    .map((changes) => changes.reduce((bytes, [at, value]) => (bytes[at] = value, bytes), valid.slice()));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 700 }), mutated), (bytes) => {
      try {
        decodePacket(bytes);
      } catch (error) {
        assert.ok(error instanceof DhcpFormatError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("anything but a DHCP packet for an Ethernet or InfiniBand client is refused, with the reason", () => {
  const valid = encodePacket(clientPacket({ type: MESSAGE_TYPE.discover }));
  const changed = (at: number, value: number) => valid.with(at, value);
  const cases: [Uint8Array, RegExp][] = [
    [valid.subarray(0, 239), /too few/],
    [changed(0, 3), /op 3/],
    [changed(1, 6), /Ethernet/],
    [changed(2, 16), /Ethernet/],
    [changed(1, 32).with(2, 17), /Ethernet/],
    [changed(1, 32).with(2, 0), /without a client identifier/],
    [changed(236, 0), /cookie/],
    [changed(241, 255), /past the end/],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => decodePacket(bytes), { name: "DhcpFormatError", message });
  }
});

Deno.test("option 52 makes file and sname carry options; file is read first", () => {
  const bytes = encodePacket(
    clientPacket({ type: MESSAGE_TYPE.discover, options: [[OPTION.overload, Uint8Array.of(3)]] }),
  );
  bytes.set([OPTION.vendorClass, 2, 0x41, 0x42, OPTION.end], 108);
  bytes.set([OPTION.vendorClass, 1, 0x43, OPTION.end], 44);
  const packet = decodePacket(bytes);
  assert.deepEqual(packet.options.get(OPTION.vendorClass), Uint8Array.of(0x41, 0x42, 0x43));
  assert.equal(packet.options.has(OPTION.overload), false);
  assert.deepEqual([packet.file, packet.sname], ["", ""]);
});

Deno.test("the file field is padded with NULs, and a packet has at least 300 bytes", () => {
  const bytes = encodePacket({ ...clientPacket({ type: MESSAGE_TYPE.discover }), file: "undionly.kpxe" });
  assert.equal(bytes.length, 300);
  assert.equal(new TextDecoder().decode(bytes.subarray(108, 236)), "undionly.kpxe".padEnd(128, "\0"));
});

Deno.test("a file name that leaves no room for its NUL is refused", () => {
  assert.throws(
    () => encodePacket({ ...clientPacket({ type: MESSAGE_TYPE.discover }), file: "x".repeat(128) }),
    RangeError,
  );
});

Deno.test("the message type is written first, and the relay's option last", () => {
  const written = writeOptions(
    new Map([[OPTION.relayAgent, Uint8Array.of(1)], [1, Uint8Array.of(2)], [
      OPTION.messageType,
      Uint8Array.of(3),
    ]]),
  );
  assert.deepEqual(written, [53, 1, 3, 1, 1, 2, 82, 1, 1, 255]);
});

Deno.test("padding between options is skipped, and nothing after the end mark is read", () => {
  const into = new Map<number, Uint8Array>();
  readOptions(Uint8Array.of(0, 0, 1, 1, 9, 0, 255, 2, 1, 9), into);
  assert.deepEqual(into, new Map([[1, Uint8Array.of(9)]]));
});

const bytesOf = (hex: string) =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => parseInt(pair, 16));
const GUID = "0002c90300001039";
const ADDRESS = `80000208fe80000000000000${GUID}`;
const infinibandClients: [who: string, chaddr: string, clientId: string | undefined, mac: string | RegExp][] =
  [
    ["a boot program with the MAC in the header", "0002c9001039", undefined, "00:02:c9:00:10:39"],
    ["a boot program with the GUID in the header", GUID, undefined, "00:02:c9:00:10:39"],
    ["the adapter's boot program", "", `ff00000000 0002 000002c9 00 ${GUID}`, "00:02:c9:00:10:39"],
    ["dhclient", "", `20 ${ADDRESS}`, "00:02:c9:00:10:39"],
    ["a client with a DUID-LL", "", `ff00001039 0003 0020 ${ADDRESS}`, "00:02:c9:00:10:39"],
    ["a client with a DUID-LLT", "", `ff00001039 0001 0020 12345678 ${ADDRESS}`, "00:02:c9:00:10:39"],
    [
      "systemd-networkd, whose DUID is of the machine-id",
      "",
      "ff12345678 0002 0000ab11 0102030405060708",
      /^02:/,
    ],
  ];
for (const [who, chaddr, clientId, mac] of infinibandClients) {
  Deno.test(`an InfiniBand client has the MAC that its agent reports: ${who}`, () => {
    const options = clientId === undefined ? [] : [[OPTION.clientId, bytesOf(clientId)] as const];
    const sent = {
      ...clientPacket({ type: MESSAGE_TYPE.discover, broadcast: true, options }),
      infiniband: bytesOf(chaddr),
    };
    const bytes = encodePacket(sent);
    assert.deepEqual([bytes[1], bytes[2]], [32, chaddr.length / 2]);
    const packet = decodePacket(bytes);
    if (typeof mac === "string") assert.equal(packet.mac, mac);
    else assert.match(packet.mac, mac);
    assert.deepEqual(packet.infiniband, bytesOf(chaddr));
    assert.deepEqual(decodePacket(encodePacket(packet)), packet);
  });
}
