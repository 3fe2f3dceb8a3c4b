import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { RackseedError } from "#contract/errors.ts";
import { MAX_FRAME_EXTENTS } from "#contract/format/frame_upload.ts";
import { MAX_FRAME_BYTES } from "#contract/format/sealed.ts";
import { decodeFrameUpload } from "#contract/format/testing/decode_frame_upload.ts";
import { type Api, CaptureApi } from "./capture_api.ts";
import { ExtentSender } from "./extent_sender.ts";

const hash = (content: Uint8Array) => createHash("sha256").update(content).digest("base64url");

class Receiver implements Api {
  readonly received = new Map<string, number>();
  readonly frameSizes: number[] = [];
  readonly has = new Set<string>();
  inFlight = 0;
  mostInFlight = 0;
  refuse: RackseedError | undefined;

  async send(_method: string, path: string, { body }: { body?: BodyInit } = {}): Promise<Response> {
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    const bytes = new Uint8Array(await new Response(body ?? null).arrayBuffer());
    this.inFlight--;
    if (path.endsWith("/known")) {
      const names = Array.from(
        { length: bytes.length / 32 },
        (_, i) => Buffer.from(bytes.subarray(i * 32, i * 32 + 32)).toString("base64url"),
      );
      return new Response(Uint8Array.from(names, (name) => this.has.has(name) ? 1 : 0));
    }
    if (this.refuse) throw this.refuse;
    const extents = decodeFrameUpload(bytes);
    this.frameSizes.push(extents.reduce((sum, e) => sum + e.content.length, 0));
    for (const { sha256, content } of extents) {
      assert.equal(hash(content), Buffer.from(sha256).toString("base64url"));
      this.received.set(hash(content), (this.received.get(hash(content)) ?? 0) + 1);
    }
    return new Response(null, { status: 204 });
  }
}

function senderTo(receiver: Api): ExtentSender {
  const { signal } = new AbortController();
  return new ExtentSender(new CaptureApi(receiver, { capture: "1", signal, pause: () => Promise.resolve() }));
}

async function sendAll(sender: ExtentSender, contents: readonly Uint8Array[]): Promise<void> {
  for (const content of contents) {
    assert.equal(sender.take(content), hash(content));
    if (sender.full) await sender.drained();
  }
  await sender.finish();
}

Deno.test("everything arrives once, in frames of bounded size, a few in flight", async () => {
  const receiver = new Receiver();
  const sizes = [1, 4096, MAX_FRAME_BYTES, MAX_FRAME_BYTES - 1, 100_000, ...Array(40).fill(300_000)];
  const contents = sizes.map((size) => randomBytes(size));
  const sender = senderTo(receiver);
  await sendAll(sender, [...contents, ...contents]);
  assert.deepEqual([...receiver.received], contents.map((c) => [hash(c), 1]).sort(orderOf(receiver)));
  assert.ok(receiver.frameSizes.every((size) => size <= MAX_FRAME_BYTES));
  assert.ok(receiver.mostInFlight <= 8, `${receiver.mostInFlight} at a time`);
  assert.equal(sender.bytesSent, sizes.reduce((sum, size) => sum + size, 0));
});

/** As they were received. */
function orderOf(receiver: Receiver): (a: unknown[], b: unknown[]) => number {
  const order = [...receiver.received.keys()];
  return ([a], [b]) => order.indexOf(a as string) - order.indexOf(b as string);
}

Deno.test("a small content is not held until the end while full frames overtake it", async () => {
  const receiver = new Receiver();
  const small = randomBytes(100);
  const whole = Array.from({ length: 40 }, () => randomBytes(MAX_FRAME_BYTES));
  await sendAll(senderTo(receiver), [small, ...whole]);
  const place = [...receiver.received.keys()].indexOf(hash(small));
  assert.ok(place < 20, `${place} frames overtook it`);
  assert.equal(receiver.received.size, 41);
});

Deno.test("extents that the server has are not sent", async () => {
  const receiver = new Receiver();
  const contents = Array.from({ length: 100 }, () => randomBytes(100_000));
  contents.forEach((content, i) => i % 10 !== 0 && receiver.has.add(hash(content)));
  await sendAll(senderTo(receiver), contents);
  assert.equal(receiver.received.size, 10);
  assert.equal(receiver.frameSizes.length, 1);
});

Deno.test("tiny extents are split into frames by number", async () => {
  const receiver = new Receiver();
  const contents = Array.from({ length: MAX_FRAME_EXTENTS + 1 }, (_, i) => Buffer.from(`${i}`));
  await sendAll(senderTo(receiver), contents);
  assert.equal(receiver.received.size, MAX_FRAME_EXTENTS + 1);
  assert.equal(receiver.frameSizes.length, 2);
});

Deno.test("a refusal stops the source when it next waits", async () => {
  const receiver = new Receiver();
  receiver.refuse = new RackseedError("cannot go on", { reason: "cancelled.", remedy: "none.", status: 409 });
  const sender = senderTo(receiver);
  const endless = async () => {
    for (let i = 0;; i++) {
      sender.take(Buffer.alloc(1 << 20, `${i}`));
      if (sender.full) await sender.drained();
    }
  };
  await assert.rejects(endless(), { status: 409 });
  await assert.rejects(sender.finish(), { status: 409 });
});

Deno.test("contents read into the sender's memory arrive like copied ones", async () => {
  const receiver = new Receiver();
  const sender = senderTo(receiver);
  const contents = Array.from({ length: 60 }, (_, i) => randomBytes(1 + i * 5000));
  for (const [i, content] of [...contents, ...contents].entries()) {
    if (i % 3 === 0) assert.equal(sender.take(content), hash(content));
    else {
      // more room than the file needs
      const room = sender.room(content.length + 100);
      room.set(content);
      assert.equal(sender.take(room.subarray(0, content.length)), hash(content));
    }
    if (sender.full) await sender.drained();
  }
  await sender.finish();
  assert.deepEqual([...receiver.received.values()], contents.map(() => 1));
});
