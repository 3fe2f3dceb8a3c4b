import assert from "node:assert/strict";
import type { TransferTerms } from "./options.ts";
import { negotiate } from "./options.ts";
import { type Step, Transfer } from "./transfer.ts";

const plain: TransferTerms = {
  sizeBytes: 1200,
  blksize: 512,
  windowsize: 1,
  maxTimeoutMs: 7_500,
  accepted: undefined,
};
const ack = (block: number) => ({ kind: "ack", block }) as const;
const blocks = (first: number, last = first): Step => ({ kind: "send-blocks", first, last });
const WAIT: Step = { kind: "wait" };
const DONE: Step = { kind: "done" };

Deno.test("without options the first block answers the request, and each ACK releases the next", () => {
  const transfer = new Transfer(plain, 0);
  assert.deepEqual(transfer.begin(0), blocks(1));
  assert.deepEqual(transfer.receive(ack(1), 1), blocks(2));
  assert.deepEqual(transfer.receive(ack(2), 2), blocks(3));
  assert.deepEqual(transfer.receive(ack(3), 3), DONE);
  assert.equal(transfer.ackedBytes, 1200);
});

Deno.test("a file that fills its blocks exactly, or is empty, ends with an empty block", () => {
  for (const [sizeBytes, last] of [[1024, 3], [512, 2], [0, 1]] as const) {
    const transfer = new Transfer({ ...plain, sizeBytes }, 0);
    transfer.begin(0);
    for (let block = 1; block < last; block++) {
      assert.deepEqual(transfer.receive(ack(block), 0), blocks(block + 1));
    }
    assert.deepEqual(transfer.receive(ack(last), 0), DONE);
  }
});

Deno.test("with options the data wait for the ACK of block 0", () => {
  const transfer = new Transfer({ ...plain, accepted: new Map([["tsize", "1200"]]) }, 0);
  assert.deepEqual(transfer.begin(0), { kind: "send-oack" });
  assert.deepEqual(transfer.receive(ack(1), 1), WAIT);
  assert.deepEqual(transfer.receive(ack(0), 1), blocks(1));
  assert.deepEqual(transfer.receive(ack(0), 1), WAIT);
});

Deno.test("a repeated ACK, or one for a block never sent, triggers nothing (Sorcerer's Apprentice)", () => {
  const transfer = new Transfer(plain, 0);
  transfer.begin(0);
  transfer.receive(ack(1), 1);
  for (const block of [1, 0, 3, 65_535]) assert.deepEqual(transfer.receive(ack(block), 2), WAIT);
  assert.deepEqual(transfer.receive(ack(2), 2), blocks(3));
});

Deno.test("a window is sent at once; an ACK inside it starts the next window after that block", () => {
  const transfer = new Transfer({ ...plain, sizeBytes: 10 * 512, windowsize: 4 }, 0);
  assert.deepEqual(transfer.begin(0), blocks(1, 4));
  assert.deepEqual(transfer.receive(ack(4), 1), blocks(5, 8));
  assert.deepEqual(transfer.receive(ack(6), 2), blocks(7, 10));
  assert.deepEqual(transfer.receive(ack(10), 3), blocks(11, 11));
  assert.deepEqual(transfer.receive(ack(11), 4), DONE);
});

Deno.test("block numbers wrap in a file of more than 65535 blocks", () => {
  const count = 70_000;
  const transfer = new Transfer({ ...plain, sizeBytes: count * 512 - 1 }, 0);
  let step = transfer.begin(0);
  for (let block = 1; block < count; block++) step = transfer.receive(ack(block & 0xffff), 0);
  assert.deepEqual(step, blocks(count));
  assert.deepEqual(transfer.receive(ack(count & 0xffff), 0), DONE);
});

Deno.test("an unanswered block is sent again after the measured round trip, then ever more rarely", () => {
  const transfer = new Transfer(plain, 0);
  transfer.begin(0);
  assert.equal(transfer.deadlineMs, 500);
  transfer.receive(ack(1), 10);
  assert.equal(transfer.deadlineMs, 40);
  assert.deepEqual(transfer.expire(39), WAIT);
  assert.deepEqual(transfer.expire(40), blocks(2));
  assert.equal(transfer.deadlineMs, 100);
  assert.deepEqual(transfer.expire(100), blocks(2));
  assert.equal(transfer.deadlineMs, 220);
  assert.deepEqual(transfer.receive(ack(2), 150), blocks(3));
  assert.equal(transfer.deadlineMs, 180, "an ACK of what was sent twice measures nothing");
});

Deno.test("the transfer fails if the client goes silent or sends an error", () => {
  const transfer = new Transfer(plain, 0);
  transfer.begin(0);
  let step: Step = transfer.expire(0);
  let now = 0;
  while (step.kind !== "failed") {
    now = transfer.deadlineMs;
    step = transfer.expire(now);
  }
  assert.deepEqual(step, { kind: "failed", reason: "no answer to block 1 of 3 for 15 s" });
  assert.ok(now > 15_000 && now < 25_000, `${now}`);
  const refused = new Transfer(plain, 0).receive({ kind: "error", code: 3, message: "disk full" }, 0);
  assert.deepEqual(refused, { kind: "failed", reason: "the client reports: disk full (3)" });
});

Deno.test("a client that has answered once gets half a minute, whatever timeout it requests", () => {
  const { maxTimeoutMs } = negotiate(new Map([["timeout", "255"]]), { sizeBytes: 1 << 20, maxBlksize: 1468 });
  const transfer = new Transfer({ ...plain, sizeBytes: 1 << 20, maxTimeoutMs }, 0);
  transfer.begin(0);
  transfer.receive(ack(1), 100);
  let now = 100;
  for (let step: Step = { kind: "wait" }; step.kind !== "failed"; step = transfer.expire(now)) {
    now = transfer.deadlineMs;
  }
  assert.ok(now > 30_000 && now < 45_000, `${now}`);
});

Deno.test("the transfer of a crawling client fails after an hour", () => {
  const transfer = new Transfer({ ...plain, sizeBytes: 1 << 20 }, 0);
  transfer.begin(0);
  assert.deepEqual(transfer.receive(ack(1), 3_600_000), blocks(2));
  assert.equal(transfer.receive(ack(2), 3_600_001).kind, "failed");
});
