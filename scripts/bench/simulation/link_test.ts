import assert from "node:assert/strict";
import { EventQueue } from "./event_queue.ts";
import { Link, type Run } from "./link.ts";

const RATE = { up: 10, down: 10 };

function run(to: Link, bytes: number, arrived: () => void = () => {}): Run & { isVoid: boolean } {
  return { to, bytes, isVoid: false, arrived };
}

function runAll(clock: EventQueue): void {
  while (clock.step());
}

Deno.test("two uplinks into one downlink arrive at the downlink's rate", () => {
  const clock = new EventQueue();
  const [a, b, c] = [new Link(RATE, clock), new Link(RATE, clock), new Link(RATE, clock)];
  const times: number[] = [];
  for (const link of [a, b]) link.send(run(c, 100, () => times.push(clock.now)));
  runAll(clock);
  assert.deepEqual(times, [10, 20]);
  assert.equal(c.receivedBytes, 200);
});

Deno.test("an uplink sends one run after the other, and a cancelled run takes no time", () => {
  const clock = new EventQueue();
  const [a, b, c] = [new Link(RATE, clock), new Link(RATE, clock), new Link(RATE, clock)];
  const times: number[] = [];
  a.send(run(b, 50, () => times.push(clock.now)));
  const given = run(b, 1000);
  a.send(given);
  a.send(run(c, 50, () => times.push(clock.now)));
  given.isVoid = true;
  runAll(clock);
  assert.deepEqual(times, [5, 10]);
  assert.equal(a.sentBytes, 100);
});
