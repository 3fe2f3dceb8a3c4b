import assert from "node:assert/strict";
import { parseMac } from "../dhcp/address.ts";
import { TokenBucket } from "../token_bucket.ts";
import { encodeAdvertisement } from "./advertisement.ts";
import { decide } from "./policy.ts";
import { RecentBoots } from "./recent_boots.ts";
import { serveSolicitations } from "./server.ts";
import { decodeSolicitation, NdpFormatError, type ReceivedMessage } from "./solicitation.ts";

const MAC = parseMac("52:54:00:78:00:02");
const SOURCE = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x50, 0x54, 0, 0xff, 0xfe, 0x78, 0, 2);
const OPTION = [1, 1, 0x52, 0x54, 0, 0x78, 0, 2];
const HEADER = [133, 0, 0, 0, 0, 0, 0, 0];

function message(bytes: readonly number[], more: Partial<ReceivedMessage> = {}): ReceivedMessage {
  return { bytes: Uint8Array.from(bytes), source: SOURCE, hopLimit: 255, ...more };
}

Deno.test("a solicitation names its machine by an option, or by its address", () => {
  const other = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
  const cases: [what: ReceivedMessage, mac: string | undefined][] = [
    [message([...HEADER, ...OPTION]), MAC],
    [message([...HEADER, 14, 1, 0, 0, 0, 0, 0, 0, ...OPTION]), MAC],
    [message(HEADER), MAC],
    [message([...HEADER, ...OPTION], { source: other }), MAC],
    [message(HEADER, { source: other }), undefined],
    [message(HEADER, { source: new Uint8Array(16) }), undefined],
  ];
  for (const [received, mac] of cases) assert.equal(decodeSolicitation(received).mac, mac);
});

Deno.test("what RFC 4861 §6.1.1 discards is refused", () => {
  const cases: ReceivedMessage[] = [
    message(HEADER, { hopLimit: 254 }),
    message(HEADER, { hopLimit: -1 }),
    message(HEADER.slice(0, 7)),
    message([]),
    message([134, ...HEADER.slice(1)]),
    message([133, 1, ...HEADER.slice(2)]),
    message([...HEADER, 1, 0, 0, 0, 0, 0, 0, 0]),
    message([...HEADER, 1, 2, 0, 0, 0, 0, 0, 0]),
    message([...HEADER, 1]),
    message([...HEADER, ...OPTION], { source: new Uint8Array(16) }),
  ];
  for (const received of cases) assert.throws(() => decodeSolicitation(received), NdpFormatError);
});

Deno.test("only a machine that boots from the network now is answered, and it alone", () => {
  const booting = new RecentBoots();
  const policy = {
    answers: (mac: typeof MAC) => booting.has(mac, 1000),
    pace: new TokenBucket({ burst: 2, perSecond: 1 }),
  };
  const ask = (source: Uint8Array, mac?: typeof MAC) =>
    decide({ source, ...(mac && { mac }) }, { policy, nowMs: 1000 });
  assert.deepEqual(ask(SOURCE, MAC), { kind: "silent", why: "not-booting" });
  booting.note(MAC, 0);
  assert.deepEqual(ask(SOURCE, MAC), { kind: "advertise", to: SOURCE });
  assert.deepEqual(ask(SOURCE), { kind: "silent", why: "unknown-mac" });
  // not on this link: a global address, and none
  assert.deepEqual(ask(Uint8Array.of(0x20, 1, ...SOURCE.slice(2)), MAC), {
    kind: "silent",
    why: "no-address",
  });
  assert.deepEqual(ask(new Uint8Array(16), MAC), { kind: "silent", why: "no-address" });
  ask(SOURCE, MAC);
  assert.deepEqual(ask(SOURCE, MAC), { kind: "silent", why: "flood" });
  booting.forget(MAC);
  assert.deepEqual(ask(SOURCE, MAC), { kind: "silent", why: "not-booting" });
});

Deno.test("a machine counts as booting for two minutes, and a flood of others does not grow the table", () => {
  const booting = new RecentBoots();
  booting.note(MAC, 0);
  assert.equal(booting.has(MAC, 119_999), true);
  assert.equal(booting.has(MAC, 120_000), false);
  for (let i = 0; i < 20_000; i++) {
    booting.note(parseMac(`02:00:00:00:${hex(i >> 8)}:${hex(i & 255)}`), 1);
  }
  assert.equal(booting.has(MAC, 1), false);
  assert.equal(booting.has(parseMac("02:00:00:00:00:00"), 1), false);
  assert.equal(booting.has(parseMac(`02:00:00:00:${hex(19_999 >> 8)}:${hex(19_999 & 255)}`), 1), true);
});

Deno.test("neither a malformed message nor a failure to send ends the service", async () => {
  const received = [message([1]), message(HEADER), message(HEADER)];
  const sent: [bytes: Uint8Array, to: Uint8Array][] = [];
  let failures = 1;
  await serveSolicitations({
    receive: () => Promise.resolve(received.shift()),
    send(bytes, to) {
      if (failures-- > 0) throw new Error("sendto: errno 101");
      sent.push([bytes, to]);
    },
    close() {},
  }, { answers: () => true });
  assert.deepEqual(sent, [[encodeAdvertisement(), SOURCE]]);
});

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
