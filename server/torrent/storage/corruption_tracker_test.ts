import assert from "node:assert/strict";
import { BanList } from "../choice/ban_list.ts";
import { CorruptionTracker } from "./corruption_tracker.ts";

Deno.test("a corrupt piece from a single peer names its culprit at once", () => {
  const tracker = new CorruptionTracker<string>();
  assert.equal(tracker.pieceFailed(0, { sources: ["eve", "eve"], digests: () => assert.fail() }), "eve");
});

Deno.test("a corrupt piece from several peers names its culprits once the piece verifies", () => {
  const tracker = new CorruptionTracker<string>();
  const first = tracker.pieceFailed(0, { sources: ["ann", "eve", "bob"], digests: () => ["1", "bad", "3"] });
  assert.equal(first, undefined);
  assert.equal(
    tracker.pieceFailed(0, { sources: ["mal", "ann", "ann"], digests: () => ["bad", "2", "3"] }),
    undefined,
  );
  assert.deepEqual(tracker.pieceVerified(1, () => assert.fail()), []);
  assert.deepEqual(tracker.pieceVerified(0, () => ["1", "2", "3"]), ["eve", "mal"]);
  assert.deepEqual(tracker.pieceVerified(0, () => assert.fail()), []);
});

Deno.test("a ban covers the peer id and its address, and the host from the second banned id on", () => {
  const bans = new BanList();
  bans.ban({ hostname: "10.0.0.9", port: 6881, peerId: "eve" });
  assert.ok(bans.isBanned({ hostname: "10.0.0.7", peerId: "eve" }));
  assert.ok(bans.isBanned({ hostname: "10.0.0.9", port: 6881 }));
  assert.ok(!bans.isBanned({ hostname: "10.0.0.9", port: 6882, peerId: "neighbour" }));
  bans.ban({ hostname: "10.0.0.9", port: 40_000, peerId: "eve's new name" });
  assert.ok(bans.isBanned({ hostname: "10.0.0.9", port: 6882, peerId: "third" }));
  assert.ok(!bans.isBanned({ hostname: "10.0.0.8", port: 6882, peerId: "ann" }));
});
