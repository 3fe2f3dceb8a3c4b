/** The pure parts of a deployment's course: time left, transfers, failures. */
import assert from "node:assert/strict";
import { normalised } from "./failure_groups.ts";
import { secondsLeft } from "./time_left.ts";
import { TransferTrack } from "./transfer_track.ts";

const fetch = (leftBytes: number) => ({ leftBytes, bytesPerSecond: 1e6 });

Deno.test("the time left is not known before most nodes under way are measured, and that of the last one then", () => {
  const measured = { step: "install" as const, inStepMs: 9000, fetch: fetch(30e6) };
  const unmeasured = { step: "install" as const, inStepMs: 100 };
  assert.equal(secondsLeft({ underWay: [], finished: [] }), undefined);
  assert.equal(secondsLeft({ underWay: [unmeasured], finished: [] }), undefined);
  assert.equal(secondsLeft({ underWay: [measured, unmeasured, unmeasured], finished: [] }), undefined);
  assert.equal(secondsLeft({ underWay: [measured, unmeasured], finished: [] }), 30);
  const finished = [{ install: 50_000, identity: 2000, verify: 8000 }];
  assert.equal(secondsLeft({ underWay: [measured], finished }), 40);
  assert.equal(secondsLeft({ underWay: [{ step: "format", inStepMs: 0 }], finished }), 60);
});

Deno.test("what a node receives is counted once, by source, even if its agent starts over or does not say", () => {
  const report = (server: number, peers: number, give = peers) => ({
    bytesDone: server + peers,
    bytesTotal: 1e9,
    peers: 1,
    bytesPerSecond: 1,
    sources: {
      peerId: "me",
      server,
      web: 0,
      peers,
      from: [{ peerId: "you", address: "10.0.0.2", bytes: give }],
    },
  });
  const track = new TransferTrack({ isFresh: true });
  assert.deepEqual(track.note(report(10, 20), 0), { server: 10, web: 0, peers: 20, other: 0 });
  assert.deepEqual(track.note(report(10, 2020), 2000), { server: 0, web: 0, peers: 2000, other: 0 });
  assert.equal(track.rates(2000).peers, 1000);
  assert.deepEqual(track.lines(2000), [{ peerId: "you", address: "10.0.0.2", bytesPerSecond: 1000 }]);
  assert.equal(track.rates(60_000).peers, 0, "its reports are old");
  assert.deepEqual(track.note(report(5, 6), 61_000), { server: 5, web: 0, peers: 6, other: 0 });
  const resumed = new TransferTrack({ isFresh: false });
  assert.equal(resumed.note(report(500, 0), 0).server, 0, "a server before this one counted it");
  const old = { bytesDone: 100, bytesTotal: 1e9, peers: 1, bytesPerSecond: 1, webSeedBytes: 30 };
  assert.deepEqual(new TransferTrack({ isFresh: true }).note(old, 0), {
    server: 0,
    web: 30,
    peers: 0,
    other: 70,
  });
});

for (
  const [title, node, same] of [
    ["cannot format /dev/sda2 of n7", "n7", "cannot format /dev/… of …"],
    ["cannot reach 10.0.0.7:6881", "n7", "cannot reach …:…"],
    ["the node web-07.lab has 512 MB", "web-07.lab", "the node … has … MB"],
    ["52:54:00:12:34:56 is taken", "n7", "… is taken"],
  ] as const
) {
  Deno.test(`causes are compared without what differs: ${title}`, () => {
    assert.equal(normalised(title, node), same);
  });
}
