import assert from "node:assert/strict";
import { gatewayShare } from "./gateway.ts";

const PIECES = 1000;
const RACK = ["-RK0100-aaaaaaaaaaaa", "-RK0100-bbbbbbbbbbbb", "-RK0100-cccccccccccc", "-RK0100-dddddddddddd"];

function shares(rack: readonly string[]): number[] {
  const owners = new Array<number>(PIECES).fill(-1);
  for (const [index, ownId] of rack.entries()) {
    const share = gatewayShare(PIECES, { ownId, neighbourIds: rack.filter((id) => id !== ownId) });
    for (let piece = 0; piece < PIECES; piece++) {
      if (!share.has(piece)) continue;
      assert.equal(owners[piece], -1, `piece ${piece} has two gateways`);
      owners[piece] = index;
    }
  }
  return owners;
}

Deno.test("the nodes of a rack split the pieces about evenly without exchanging a message", () => {
  const owners = shares(RACK);
  for (const index of RACK.keys()) {
    const count = owners.filter((owner) => owner === index).length;
    assert.ok(count > 180 && count < 320, `${count}`);
  }
});

Deno.test("a node that leaves a rack moves only its own share", () => {
  const [before, after] = [shares(RACK), shares(RACK.slice(0, 3))];
  for (let piece = 0; piece < PIECES; piece++) {
    if (before[piece] !== 3) assert.equal(after[piece], before[piece]);
    else assert.ok(after[piece]! >= 0);
  }
});

Deno.test("a node alone in its rack fetches everything", () => {
  assert.equal(gatewayShare(PIECES, { ownId: RACK[0]!, neighbourIds: [] }).count, PIECES);
});
