import assert from "node:assert/strict";
import fc from "fast-check";
import { compactPeer, decodeCompact } from "#torrent/tracker/compact_peers.ts";
import { PeerTable } from "./peer_table.ts";

/** One in three has an IPv6 address. */
const address = (id: number) =>
  id % 3 === 0 ? compactPeer(`fd00::${id}`, 6881)! : compactPeer(`10.0.0.${id}`, 6881)!;

/** The ids that `address` made these from. */
function namesOf({ peers, peers6 }: { peers: Uint8Array; peers6: Uint8Array }): number[] {
  return [...decodeCompact(peers, 4), ...decodeCompact(peers6, 6)]
    .map(({ hostname }) => Number(hostname.split(/[.:]/).at(-1)));
}

const step = fc.record({
  do: fc.constantFrom("put", "put", "put", "delete", "wait"),
  id: fc.nat(30),
  complete: fc.boolean(),
});

Deno.test("after any history, the table holds the same peers as a plain map", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.infiniteStream(fc.nat(999)), (steps, chance) => {
      const random = () => (chance.next().value ?? 0) / 1000;
      const table = new PeerTable(1000);
      const model = new Map<number, { complete: boolean; expires: number }>();
      let now = 0;
      for (const { do: action, id, complete } of steps) {
        if (action === "wait") now += id;
        table.expire(now);
        for (const [key, { expires }] of model) if (expires <= now) model.delete(key);
        if (action === "put") {
          table.put(`${id}`, { compact: address(id), complete, expires: now + 20_000 });
          model.set(id, { complete, expires: now + 20_000 });
        } else if (action === "delete") {
          table.delete(`${id}`);
          model.delete(id);
        }
        const complete_ = [...model.values()].filter((peer) => peer.complete).length;
        assert.deepEqual([table.complete, table.incomplete], [complete_, model.size - complete_]);
        for (const isSeed of [false, true]) {
          const all = namesOf(table.sample(1000, { self: `${id}`, isSeed, random }));
          const expected = [...model].filter(([key, peer]) => key !== id && !(isSeed && peer.complete));
          assert.deepEqual(all.sort(), expected.map(([key]) => key).sort());
        }
      }
    }),
  );
});

Deno.test("every other peer is equally likely to be returned", () => {
  const table = new PeerTable(1000);
  let state = 1;
  const random = () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
  for (let id = 0; id < 40; id++) {
    table.put(`${id}`, { compact: address(id), complete: id % 4 === 0, expires: 1 });
  }
  const named = new Map<number, number>();
  for (let round = 0; round < 4000; round++) {
    for (const id of namesOf(table.sample(10, { self: "7", isSeed: false, random }))) {
      named.set(id, (named.get(id) ?? 0) + 1);
    }
  }
  assert.equal(named.get(7), undefined);
  assert.equal(named.size, 39);
  // 4000 × 10 ÷ 39 = 1026 times each, give or take five standard deviations
  for (const [id, times] of named) assert.ok(Math.abs(times - 1026) < 140, `${id}: ${times}`);
});

Deno.test("a full table keeps its peers and takes no new ones", () => {
  const table = new PeerTable(2);
  for (const id of ["1", "2", "3", "1"]) {
    table.put(id, { compact: address(Number(id)), complete: false, expires: 1 });
  }
  assert.equal(table.incomplete, 2);
});
