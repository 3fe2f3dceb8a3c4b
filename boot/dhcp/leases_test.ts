import assert from "node:assert/strict";
import { type Ipv4, type MacAddress, parseIpv4, parseMac } from "./address.ts";
import { memoryLeaseStore } from "./testing/memory_lease_store.ts";
import { Leases } from "./leases.ts";

const ip = parseIpv4;
const mac = (n: number) => parseMac(`52:54:00:00:00:${n.toString(16).padStart(2, "0")}`);
const HOUR_MS = 3_600_000;

function setup({ last = "10.0.0.103", reserved = [] as string[], store = memoryLeaseStore() } = {}) {
  const leases = new Leases(store, {
    range: { first: ip("10.0.0.100"), last: ip(last) },
    excluded: new Set([ip("10.0.0.101")]),
    isReserved: (address) => reserved.includes(address),
  });
  const offer = (to: MacAddress, nowMs: number, about: { requested?: Ipv4; reserved?: Ipv4 } = {}) =>
    leases.offer(to, { requested: undefined, reserved: undefined, ...about, nowMs });
  const take = (to: MacAddress, nowMs: number): Ipv4 => {
    const address = offer(to, nowMs);
    assert.ok(address);
    leases.bind(to, { address, expiresAtMs: nowMs + HOUR_MS });
    return address;
  };
  return { leases, offer, take, store };
}

Deno.test("every client gets its own address, never an excluded one, until the pool is exhausted", () => {
  const { take, offer } = setup();
  const given = [1, 2, 3].map((n) => take(mac(n), 0));
  assert.deepEqual(given.sort(), ["10.0.0.100", "10.0.0.102", "10.0.0.103"]);
  assert.equal(offer(mac(4), 0), undefined);
});

Deno.test("an offer is held while addresses are left; after that it goes to the first client to request it", () => {
  const { offer, leases } = setup({ last: "10.0.0.102" });
  const [first, second] = [offer(mac(1), 0), offer(mac(2), 0)];
  assert.deepEqual([first, second].sort(), ["10.0.0.100", "10.0.0.102"]);
  assert.ok(first && second);
  const mayHave = (n: number, address: Ipv4, nowMs = 1) =>
    leases.mayHave(mac(n), { address, reserved: undefined, nowMs });
  assert.equal(mayHave(3, first), false);
  assert.equal(offer(mac(3), 1), first);
  assert.deepEqual([mayHave(1, first), mayHave(3, first)], [true, true]);
  leases.bind(mac(3), { address: first, expiresAtMs: HOUR_MS });
  assert.deepEqual([mayHave(1, first), offer(mac(1), 2)], [false, second]);
});

Deno.test("ten thousand machines that ignore their offers block no lease, and few offers are remembered", () => {
  const { offer, leases } = setup();
  const stranger = (n: number) =>
    parseMac(
      `02:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`,
    );
  for (let n = 0; n < 10_000; n++) {
    const nowMs = n / 10;
    assert.ok(offer(stranger(n), nowMs));
    if (n % 1000 !== 0) continue;
    const node = mac(n / 1000);
    const address = offer(node, nowMs);
    assert.ok(address);
    for (let flood = 1; flood < 500; flood++) offer(stranger(10_000 + flood), nowMs);
    assert.equal(leases.mayHave(node, { address, reserved: undefined, nowMs }), true);
    leases.dropOffer(node);
  }
  const remembered = Array.from({ length: 10_000 }, (_, n) => leases.offered(stranger(n), 1000));
  assert.ok(remembered.filter((address) => address !== undefined).length <= 4096);
});

Deno.test("a machine that declines every offer puts at most a quarter of the pool in quarantine", () => {
  const { offer, leases } = setup({ last: "10.0.0.199" });
  for (let n = 0; n < 200; n++) {
    const address = offer(mac(n), n);
    assert.ok(address, `offer ${n}`);
    leases.decline(mac(n), { address, nowMs: n });
  }
});

Deno.test("a client that asks twice is offered the same address and holds only one", () => {
  const { offer } = setup();
  const first = offer(mac(1), 0);
  assert.equal(offer(mac(1), 1000), first);
  assert.ok(offer(mac(2), 1000));
  assert.ok(offer(mac(3), 1000));
});

Deno.test("a client gets its expired address back if no other client needed it", () => {
  const { take, offer } = setup();
  const address = take(mac(1), 0);
  take(mac(2), 2 * HOUR_MS);
  assert.equal(offer(mac(1), 9 * HOUR_MS), address);
});

Deno.test("expired addresses go to other clients only if no unused one is left, longest expired first", () => {
  const { take, offer, leases } = setup();
  const [oldest] = [take(mac(1), 0), take(mac(2), 1), take(mac(3), 2)];
  assert.equal(offer(mac(4), HOUR_MS - 1), undefined);
  assert.equal(offer(mac(4), 2 * HOUR_MS), oldest);
  leases.bind(mac(4), { address: oldest, expiresAtMs: 3 * HOUR_MS });
  assert.equal(leases.of(mac(1)), undefined);
});

Deno.test("a MAC is offered the same address by a server that has lost its leases", () => {
  assert.equal(setup().offer(mac(9), 0), setup().offer(mac(9), 0));
});

Deno.test("leases survive a restart, offers do not", () => {
  const { take, offer, store } = setup();
  const address = take(mac(1), 0);
  offer(mac(2), 0);
  const { leases } = setup({ store });
  assert.equal(leases.of(mac(1))?.address, address);
  assert.equal(leases.offered(mac(2), 0), undefined);
  const free = leases.mayHave(mac(2), { address, reserved: undefined, nowMs: 1 });
  assert.equal(free, false);
});

Deno.test("a reserved address goes to its owner alone, inside the range or not", () => {
  const reserved = ip("10.0.0.100");
  const { offer } = setup({ reserved: [reserved] });
  assert.equal(offer(mac(2), 0, { requested: reserved }) === reserved, false);
  assert.notEqual(offer(mac(3), 0), reserved);
  assert.notEqual(offer(mac(4), 0), reserved);
  assert.equal(offer(mac(1), 0, { reserved }), reserved);
  assert.equal(offer(mac(5), 0, { reserved: ip("10.0.0.7") }), "10.0.0.7");
});

Deno.test("a reservation of an address that another client holds waits until that lease ends", () => {
  const { take, offer } = setup();
  const reserved = take(mac(1), 0);
  assert.notEqual(offer(mac(2), 1, { reserved }), reserved);
  assert.equal(offer(mac(2), HOUR_MS, { reserved }), reserved);
});

Deno.test("a requested address is offered if it is free and in the pool", () => {
  const { offer } = setup();
  assert.equal(offer(mac(1), 0, { requested: ip("10.0.0.103") }), "10.0.0.103");
  for (const requested of ["10.0.0.101", "10.0.0.103", "10.0.0.200"].map(ip)) {
    assert.notEqual(offer(mac(2), 0, { requested }), requested);
  }
});

Deno.test("only its holder may decline an address, which then rests for every client", () => {
  const { take, offer, leases } = setup({ last: "10.0.0.100" });
  const address = take(mac(1), 0);
  assert.equal(leases.decline(mac(2), { address, nowMs: 1 }), false);
  assert.equal(leases.decline(mac(1), { address, nowMs: 1 }), true);
  assert.equal(leases.of(mac(1)), undefined);
  assert.equal(offer(mac(1), 599_999), undefined);
  assert.equal(offer(mac(2), 600_001), address);
});

Deno.test("a release frees the address, but its last holder has precedence", () => {
  const { take, offer, leases } = setup({ last: "10.0.0.100" });
  const address = take(mac(1), 0);
  assert.equal(leases.release(mac(2), { address, nowMs: 1 }), false);
  assert.equal(leases.release(mac(1), { address, nowMs: 1 }), true);
  assert.equal(leases.release(mac(1), { address, nowMs: 2 }), false);
  assert.equal(offer(mac(1), 2), address);
  leases.dropOffer(mac(1));
  assert.equal(offer(mac(2), 3), address);
});

Deno.test("a client that moves to another address gives up its old one", () => {
  const { take, leases, store } = setup();
  const before = take(mac(1), 0);
  const after = ip(before === "10.0.0.103" ? "10.0.0.102" : "10.0.0.103");
  leases.bind(mac(1), { address: after, expiresAtMs: HOUR_MS });
  assert.deepEqual(store.list().map(({ address }) => address), [after]);
});
