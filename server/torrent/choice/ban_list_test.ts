import assert from "node:assert/strict";
import { BanList } from "./ban_list.ts";

Deno.test("a ban covers the peer's id and address, and the whole host from its second banned peer on", () => {
  const bans = new BanList();
  bans.ban({ hostname: "10.0.0.2", port: 6881, peerId: "evil" });
  assert.equal(bans.isBanned({ hostname: "10.0.0.9", peerId: "evil" }), true);
  assert.equal(bans.isBanned({ hostname: "10.0.0.2", port: 6881 }), true);
  assert.equal(bans.isBanned({ hostname: "10.0.0.2", port: 6882, peerId: "good" }), false);
  bans.ban({ hostname: "10.0.0.2", port: 6883, peerId: "worse" });
  assert.equal(bans.isBanned({ hostname: "10.0.0.2", port: 6882, peerId: "good" }), true);
});

Deno.test("each suspension lasts twice as long as the one before, up to two minutes", () => {
  const bans = new BanList();
  let now = 0;
  for (const restMs of [15_000, 30_000, 60_000, 120_000, 120_000]) {
    bans.suspend("slow", now);
    assert.equal(bans.isSuspended("slow", now + restMs - 1), true);
    now += restMs;
    assert.equal(bans.isSuspended("slow", now), false);
  }
  assert.equal(bans.isBanned({ hostname: "10.0.0.2", port: 1, peerId: "slow" }), false);
});

Deno.test("a flood of new ids pushes out the oldest suspension only", () => {
  const bans = new BanList();
  for (let id = 0; id <= 1000; id++) bans.suspend(`id ${id}`, 0);
  assert.deepEqual([bans.isSuspended("id 0", 1), bans.isSuspended("id 1", 1)], [false, true]);
});
