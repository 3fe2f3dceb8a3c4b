import assert from "node:assert/strict";
import type { Delivery } from "../store/webhooks.ts";
import type { Outcome } from "./deliver.ts";
import { Dispatcher } from "./dispatcher.ts";

interface Waiting extends Delivery {
  nextMs: number | undefined;
}

/** A queue in memory and a clock that stands still, with receivers that answer as told. */
function site(answers: Record<string, (delivery: Delivery) => Outcome | Promise<Outcome>>) {
  const clock = { ms: 0 };
  const lines = new Map(Object.keys(answers).map((name) => [name, [] as Waiting[]]));
  const log: string[] = [];
  const closing = new AbortController();
  const find = (name: string, { number }: Delivery) => lines.get(name)?.find((w) => w.number === number);
  const dispatcher = new Dispatcher({
    names: () => [...lines.keys()],
    due: (name, nowMs) => lines.get(name)?.find(({ nextMs }) => nextMs !== undefined && nextMs <= nowMs),
    delivered: (name, delivery) => {
      log.push(`${name} ${delivery.id}`);
      lines.set(name, lines.get(name)?.filter(({ number }) => number !== delivery.number) ?? []);
    },
    failed: (name, delivery, { nextMs }) => {
      const waiting = find(name, delivery);
      if (waiting) Object.assign(waiting, { attempts: waiting.attempts + 1, nextMs });
    },
    attempt: async (name, delivery) => await answers[name]?.(delivery) ?? { kind: "gone", reason: "" },
    now: () => clock.ms,
    random: () => 0.5,
  }, { signal: closing.signal });
  const add = (name: string, id: string) =>
    lines.get(name)?.push({ number: lines.get(name)?.length ?? 0, id, body: "", attempts: 0, nextMs: 0 });
  const wake = async () => {
    dispatcher.wake();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { clock, lines, log, add, wake, closing };
}

const FAILED: Outcome = { kind: "failed", reason: "it answered 500" };

Deno.test("pauses grow with jitter, and after a day the message has failed for good", async () => {
  const test = site({ a: () => FAILED });
  test.add("a", "1");
  const pauses: number[] = [];
  for (;;) {
    await test.wake();
    const next = test.lines.get("a")?.[0]?.nextMs;
    if (next === undefined) break;
    pauses.push((next - test.clock.ms) / 1000);
    test.clock.ms = next;
  }
  assert.deepEqual(pauses, [5.5, 66, 330, 1980, 7920, 23_760, 55_440]);
  assert.equal(test.lines.get("a")?.[0]?.attempts, 8);
});

Deno.test("a message that waits for its next attempt does not hold up later ones", async () => {
  const test = site({ a: ({ id }) => id === "1" ? FAILED : { kind: "delivered" } });
  for (const id of ["1", "2", "3"]) test.add("a", id);
  await test.wake();
  assert.deepEqual(test.log, ["a 2", "a 3"]);
});

Deno.test("a receiver that hangs holds up nobody else, and gets one request at a time", async () => {
  let asked = 0;
  const hangs = Promise.withResolvers<Outcome>();
  const test = site({ a: () => (asked++, hangs.promise), b: () => ({ kind: "delivered" }) });
  for (const name of ["a", "b"]) for (const id of ["1", "2"]) test.add(name, id);
  await test.wake();
  await test.wake();
  assert.deepEqual(test.log, ["b 1", "b 2"]);
  assert.equal(asked, 1);
  hangs.resolve(FAILED);
  await test.wake();
});

Deno.test("410 ends the attempts at once, and the server's own end counts as none", async () => {
  const gone = site({ a: () => ({ kind: "gone", reason: "it answered 410" }) });
  gone.add("a", "1");
  await gone.wake();
  assert.equal(gone.lines.get("a")?.[0]?.nextMs, undefined);
  const closing = site({
    a: () => {
      closing.closing.abort();
      return FAILED;
    },
  });
  closing.add("a", "1");
  await closing.wake();
  assert.deepEqual(closing.lines.get("a")?.map(({ attempts, nextMs }) => [attempts, nextMs]), [[0, 0]]);
});
