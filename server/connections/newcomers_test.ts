import assert from "node:assert/strict";
import { Newcomers } from "./newcomers.ts";

function flood(newcomers: Newcomers, addresses: readonly string[]): { closed: string[] } {
  const closed: string[] = [];
  for (const [i, address] of addresses.entries()) {
    newcomers.admit({ address, close: () => closed.push(`${address}#${i}`) });
  }
  return { closed };
}

Deno.test("without room the oldest is closed: of the same address, if that has too many", () => {
  const newcomers = new Newcomers({ total: 4, perAddress: 2 });
  const { closed } = flood(newcomers, ["a", "b", "a", "a", "c", "d"]);
  assert.deepEqual(closed, ["a#0", "b#1"]);
  assert.equal(newcomers.size, 4);
});

Deno.test("a connection that has said what it wants is left alone and frees its place", () => {
  const newcomers = new Newcomers({ total: 2, perAddress: 2 });
  let closed = false;
  const leave = newcomers.admit({ address: "guest", close: () => closed = true });
  leave();
  leave();
  flood(newcomers, Array(100).fill("flood"));
  assert.equal(closed, false);
  assert.equal(newcomers.size, 2);
  newcomers.closeAll();
  assert.equal(newcomers.size, 0);
});
