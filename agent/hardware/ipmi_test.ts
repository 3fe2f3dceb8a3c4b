import assert from "node:assert/strict";
import { type Ask, describeController } from "./ipmi.ts";

const DEVICE_ID = [0, 0x20, 0x01, 0x07, 0x10, 0x02, 0xdf];

/** A controller whose LAN is channel 1. */
function controller(address: number[]): Ask {
  return ({ netfn, command, data }) => {
    const [channel, parameter] = data;
    const answer = netfn === 0x06 && command === 0x01
      ? DEVICE_ID
      : netfn === 0x06 && command === 0x42
      ? channel === 1 ? [0, 1, 4, 1, 0x80, 0, 0, 0, 0, 0] : [0xcc]
      : netfn === 0x0c && parameter === 3
      ? [0, 0x11, ...address]
      : [0, 0x11, 0x50, 0x9a, 0x4c, 0, 0, 1];
    return Promise.resolve(Uint8Array.from(answer));
  };
}

Deno.test("a controller tells its firmware, and the address and MAC of its LAN channel", async () => {
  assert.deepEqual(await describeController(controller([10, 1, 0, 7])), {
    firmware: "7.10",
    address: "10.1.0.7",
    mac: "50:9a:4c:00:00:01",
  });
});

Deno.test("a controller without an address, and one that never answers", async () => {
  assert.deepEqual(await describeController(controller([0, 0, 0, 0])), { firmware: "7.10" });
  assert.equal(await describeController(() => Promise.resolve(undefined)), undefined);
  assert.equal(await describeController(() => Promise.resolve(Uint8Array.of(0xc0))), undefined);
});
