import assert from "node:assert/strict";
import { ConnectionBook, networkOf } from "./book.ts";
import { type ConnectionLimits, connectionLimits } from "./limits.ts";
import type { SocketFacts, SocketTraffic } from "./sockets.ts";

const LIMITS: ConnectionLimits = {
  ...connectionLimits(20_000),
  total: 40,
  perAddress: 10,
  newTotal: 20,
  newPerAddress: 5,
  requests: 30,
};
const QUIET: SocketTraffic = { receivedBytes: 100, acknowledgedBytes: 0, isSending: false };

class Scene {
  readonly book = new ConnectionBook(LIMITS);
  nowMs = 0;
  readonly #open = new Map<string, SocketFacts>();
  readonly #traffic = new Map<number, SocketTraffic>();

  open(key: string, address = "10.0.0.1"): void {
    this.#open.set(key, { fd: this.#open.size + 3, key, address });
  }

  set(key: string, traffic: Partial<SocketTraffic>): void {
    this.#traffic.set(this.#open.get(key)?.fd ?? 0, { ...QUIET, ...traffic });
  }

  /** The connections to end, as "KEY: REASON". */
  sweep(afterMs = 0): string[] {
    this.nowMs += afterMs;
    const endings = this.book.sweep([...this.#open.values()], {
      traffic: (fd) => this.#traffic.get(fd) ?? QUIET,
      nowMs: this.nowMs,
    });
    for (const { key } of endings) this.#open.delete(key);
    return endings.map(({ key, reason }) => `${key}: ${reason}`);
  }
}

Deno.test("a connection without a whole request is ended in time, even if it keeps sending bytes", () => {
  const scene = new Scene();
  scene.open("slow");
  for (let i = 0; i < 15; i++) {
    scene.set("slow", { receivedBytes: i });
    assert.deepEqual(scene.sweep(i === 0 ? 0 : 1000), []);
  }
  assert.deepEqual(scene.sweep(2000), ["slow: no request in time"]);
});

Deno.test("a long poll stays open; an idle connection ends after two minutes", () => {
  const scene = new Scene();
  scene.open("poll");
  scene.open("kept");
  scene.book.begin("poll", 0);
  scene.book.begin("kept", 0);
  scene.book.end("kept", 1000);
  assert.deepEqual(scene.sweep(), []);
  assert.deepEqual(scene.sweep(119_000), []);
  assert.deepEqual(scene.sweep(3000), ["kept: idle"]);
  assert.deepEqual(scene.sweep(3_600_000), []);
});

Deno.test("header fields are limited to 64 KiB, in the first request and in later ones", () => {
  const scene = new Scene();
  scene.open("first");
  scene.open("later");
  scene.set("later", { receivedBytes: 5_000_000 });
  scene.book.begin("later", 0);
  scene.book.end("later", 0);
  assert.deepEqual(scene.sweep(), []);
  scene.set("first", { receivedBytes: 65_537 });
  scene.set("later", { receivedBytes: 5_065_537 });
  assert.deepEqual(scene.sweep(100), []);
  assert.deepEqual(scene.sweep(100), ["first: header fields too long", "later: header fields too long"]);
});

Deno.test("a client that reads slowly is served to the end; one that does not read is ended", () => {
  const scene = new Scene();
  for (const key of ["slow", "stopped", "quiet"]) {
    scene.open(key);
    scene.book.begin(key, 0);
  }
  scene.set("stopped", { acknowledgedBytes: 5, isSending: true });
  for (let minute = 0; minute < 10; minute++) {
    // a thousandth of a 10 Mbit/s link
    scene.set("slow", { acknowledgedBytes: minute * 75_000, isSending: true });
    const ended = scene.sweep(minute === 0 ? 0 : 59_000);
    assert.deepEqual(ended, minute === 2 ? ["stopped: does not read"] : []);
  }
});

Deno.test("above a limit the longest idle go first, those of a crowded address before others", () => {
  const scene = new Scene();
  scene.open("guest", "10.9.9.9");
  for (let i = 0; i < 8; i++) {
    scene.nowMs = i;
    scene.open(`flood${i}`, "10.0.0.66");
    scene.sweep();
  }
  assert.equal(scene.book.size, 1 + LIMITS.newPerAddress);
  scene.nowMs = 10;
  const many = new Scene();
  for (let i = 0; i < 30; i++) {
    many.nowMs = i;
    many.open(`c${i}`, `10.0.1.${i}`);
    const ended = many.sweep();
    assert.deepEqual(ended, i < LIMITS.newTotal ? [] : [`c${i - 20}: too many new connections`]);
  }
});

Deno.test("connections that are being answered are never ended for exceeding a limit", () => {
  const scene = new Scene();
  for (let i = 0; i < 30; i++) {
    scene.open(`busy${i}`);
    assert.equal(scene.book.begin(`busy${i}`, 0), true);
  }
  assert.equal(scene.book.begin("one more", 0), false, "requests are bounded");
  assert.deepEqual(scene.sweep(1000), []);
  scene.open("idle");
  scene.book.begin("idle", 0);
  assert.deepEqual(scene.sweep(1), ["idle: too many connections from its address"]);
});

Deno.test("requests of a closed connection stop counting, and are not subtracted twice", () => {
  const book = new ConnectionBook({ ...LIMITS, requests: 1 });
  const facts = { fd: 3, key: "watch", address: "10.0.0.1" };
  const sweep = (sockets: SocketFacts[]) => book.sweep(sockets, { traffic: () => QUIET, nowMs: 0 });
  assert.equal(book.begin("watch", 0), true);
  sweep([facts]);
  assert.equal(book.begin("other", 0), false);
  sweep([]);
  assert.equal(book.begin("other", 0), true);
  book.end("watch", 0);
  assert.equal(book.begin("third", 0), false);
});

Deno.test("every node of a rack behind one relay can connect", () => {
  const { perAddress, newPerAddress } = connectionLimits(65_536);
  assert.ok(perAddress >= 2000 && newPerAddress >= 250);
});

Deno.test("an IPv6 client is identified by its /64", () => {
  for (
    const [address, network] of [
      ["10.0.0.1", "10.0.0.1"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
      ["2001:db8::1", "2001:db8:0:0"],
      ["fe80::1", "fe80:0:0:0"],
      ["::1", "0:0:0:0"],
    ] as const
  ) assert.equal(networkOf(address), network);
});
