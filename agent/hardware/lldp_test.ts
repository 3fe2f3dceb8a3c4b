import assert from "node:assert/strict";
import { parseLldp } from "./lldp.ts";
import { lldpFrame } from "./testing/samples.ts";

const SWITCH = {
  chassis: "00:1c:73:aa:bb:cc",
  port: "Ethernet1/12",
  system: "leaf7",
  portDescription: "to rack 3",
  address: "10.0.0.7",
  vlan: 100,
};

Deno.test("a switch's announcement names the switch and its port", () => {
  assert.deepEqual(parseLldp(lldpFrame()), SWITCH);
});

Deno.test("a frame may carry a VLAN tag", () => {
  const plain = lldpFrame();
  const tagged = Uint8Array.from([...plain.subarray(0, 12), 0x81, 0x00, 0, 1, ...plain.subarray(12)]);
  assert.deepEqual(parseLldp(tagged), SWITCH);
});

Deno.test("a port that is named by a MAC is called by its description", () => {
  const frame = lldpFrame({ port: [3, 2, 0, 0, 0, 0, 1] });
  assert.equal(parseLldp(frame)?.port, "to rack 3");
});

Deno.test("a switch that says goodbye, and a frame of another kind, announce nothing", () => {
  assert.equal(parseLldp(lldpFrame({ ttl: 0 })), undefined);
  const arp = lldpFrame();
  arp.set([0x08, 0x06], 12);
  assert.equal(parseLldp(arp), undefined);
});

Deno.test("a frame that is cut off inside a TLV announces nothing; control characters never arrive", () => {
  const frame = lldpFrame();
  for (let length = 0; length < 40; length++) assert.equal(parseLldp(frame.subarray(0, length)), undefined);
  const port = [5, ...new TextEncoder().encode("ge-0/0/1\x1b[2J\n")];
  assert.equal(parseLldp(lldpFrame({ port }))?.port, "ge-0/0/1 [2J");
});
