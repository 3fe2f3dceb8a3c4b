import assert from "node:assert/strict";
import { release } from "./release.ts";

Deno.test("released memory is gone from every view, at once", () => {
  const whole = new Uint8Array(8 << 20).fill(1), part = whole.subarray(100, 200);
  const before = Deno.memoryUsage().external;
  release(part);
  assert.equal(whole.length, 0);
  assert.equal(part.length, 0);
  assert.ok(before - Deno.memoryUsage().external >= 8 << 20);
});

Deno.test("what another thread owns, or shares, is left alone", () => {
  const sent = new Uint8Array(10);
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(sent, [sent.buffer]);
  release(sent);
  port1.close();
  port2.close();
  const shared = new Uint8Array(new SharedArrayBuffer(10));
  release(shared);
  assert.equal(shared.length, 10);
});
